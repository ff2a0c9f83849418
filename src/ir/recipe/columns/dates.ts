// Dates and times as ISO 8601 writes them, `2024-02-29` or `2024-02-29T12:30:00+01:00`: as a number that grows, or one of their parts. A
// time without a zone is UTC, since a machine's own zone would give other numbers elsewhere.

import { arg } from "../define.ts";
import { defineNumberReading, type NumberReading } from "./define.ts";

const DATE = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d(?:\.\d+)?))?(Z|[+-]\d\d:?\d\d)?)?$/;
const SECONDS_OF_DAY = 86_400;

interface Moment {
  /** Since 1970, UTC. */
  readonly seconds: number;
  /** As it is written, whatever the zone: its parts are those of this day. */
  readonly day: Date;
  /** Of the day, with minutes and seconds as a fraction. */
  readonly hour: number;
}

function momentOf(text: string): Moment | undefined {
  const [matched, year, month, date, hours = "0", minutes = "0", rest = "0", zone = "Z"] = DATE.exec(text) ?? [];
  if (matched === undefined) return undefined;
  const day = new Date(0);
  day.setUTCFullYear(Number(year), Number(month) - 1, Number(date));
  // The 30th of February would be the 1st of March.
  const isReal = day.getUTCMonth() === Number(month) - 1 && day.getUTCDate() === Number(date);
  const [h, m, s] = [Number(hours), Number(minutes), Number(rest)];
  if (!isReal || h > 23 || m > 59 || s >= 61) return undefined;
  const [, sign, ahead = "0", more = "0"] = /^([+-])(\d\d):?(\d\d)$/.exec(zone) ?? [];
  const offset = (sign === "-" ? -60 : 60) * (60 * Number(ahead) + Number(more));
  return { seconds: day.getTime() / 1000 + 3600 * h + 60 * m + s - offset, day, hour: h + m / 60 + s / 3600 };
}

const dateReading = <const N extends string>(name: N, doc: string, value: (moment: Moment) => number): NumberReading<N> =>
  defineNumberReading({
    name,
    doc,
    args: { columns: arg("picks", "the columns") },
    values: "string",
    wanted: "a date such as 2024-02-29",
    scaled: true,
    read: (text) => {
      const moment = momentOf(text);
      return moment && value(moment);
    },
  });

export const days = dateReading(
  "days",
  "days since 1970 of an ISO date, a time of the day as a fraction; what a column of dates is without a word",
  ({ seconds }) => seconds / SECONDS_OF_DAY,
);
export const seconds = dateReading("seconds", "seconds since 1970 of an ISO date or time", (moment) => moment.seconds);
export const year = dateReading("year", "the year of an ISO date", ({ day: it }) => it.getUTCFullYear());
export const month = dateReading("month", "the month of an ISO date, 1 to 12", ({ day: it }) => it.getUTCMonth() + 1);
export const day = dateReading("day", "the day of the month of an ISO date, 1 to 31", ({ day: it }) => it.getUTCDate());
export const weekday = dateReading(
  "weekday",
  "the day of the week of an ISO date, 0 on Mondays",
  ({ day: it }) => (it.getUTCDay() + 6) % 7,
);
export const hour = dateReading("hour", "the hour of an ISO time, 0 to 24 with its minutes as a fraction", (moment) => moment.hour);
