// One careless or hostile change to a value of JSON: a number that is another, a name that means something elsewhere, a part left out,
// doubled or moved.

import { below, pick, type Random } from "./fuzzer.ts";

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
interface Place {
  readonly holder: Json[] | Record<string, Json>;
  readonly key: number | string;
}

const NUMBERS = [0, -1, 1, 2, 0.5, -0, 255, 256, 65536, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 53, 1e308, -1e308, Infinity, NaN];
const TEXTS = [
  ...["", "__proto__", "constructor", "toString", "f32", "i32", "u8", "data", "state", "temp", "input", "while", "Math", "b0"],
  ...["0;throw 1;//", "process.exit(9)", "\u001b[2J", "\u202e", "../../x", "/dev/zero", "A".repeat(5000)],
];

function placesOf(value: Json, places: Place[] = []): Place[] {
  if (typeof value !== "object" || value === null) return places;
  const keys = Array.isArray(value) ? value.keys() : Object.keys(value);
  for (const key of keys) {
    places.push({ holder: value, key });
    placesOf((value as Record<string | number, Json>)[key] as Json, places);
  }
  return places;
}

const get = ({ holder, key }: Place): Json => (holder as Record<string | number, Json>)[key] as Json;
const set = ({ holder, key }: Place, value: Json): void =>
  void Object.defineProperty(holder, key, { value, writable: true, enumerable: true, configurable: true });

function changed(value: Json, places: readonly Place[], random: Random): Json {
  const other = get(pick(random, places));
  if (below(random, 6) === 0) return structuredClone(other);
  switch (typeof value) {
    case "number":
      return pick(random, [...NUMBERS, value + 1, value - 1, value * 2, Math.floor(value / 2), -value]);
    case "string":
      return pick(random, [...TEXTS, `${value}x`, value.slice(1), value.slice(0, -1)]);
    case "boolean":
      return !value;
    default:
      return pick<Json>(random, [null, 0, "", [], {}, true]);
  }
}

/** Changes a copy in one to three places. */
export function mutateJson<T>(original: T, random: Random): T {
  const root = { value: structuredClone(original) as Json };
  for (let changes = 1 + below(random, 3); changes > 0; changes--) {
    const places = placesOf(root.value);
    if (places.length === 0) return root.value as T;
    const place = pick(random, places);
    const value = get(place);
    const { holder, key } = place;
    switch (below(random, 8)) {
      case 0:
        if (Array.isArray(holder)) holder.splice(key as number, 1);
        // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- a property left out
        else delete holder[key];
        break;
      case 1:
        if (Array.isArray(holder)) holder.splice(key as number, 0, structuredClone(value));
        else set({ holder, key: pick(random, ["extra", "__proto__", "kind", "name"]) }, structuredClone(value));
        break;
      case 2: {
        const other = pick(random, places);
        set(place, structuredClone(get(other)));
        break;
      }
      default:
        set(place, changed(value, places, random));
    }
  }
  return root.value as T;
}
