// 06xx: published weights, and what a recipe changes of the network that they are for.

import { entry } from "./types.ts";

export const WEIGHTS = {
  "weights-unreadable": entry<{ source: string; reason: string }>({
    code: "TL0601",
    severity: "error",
    title: "weights that cannot be read",
    message: ({ source, reason }) => `cannot read the weights \`${source}\`: ${reason}`,
    explanation:
      'Weights are a safetensors file, the index of several, or a file of `torch.save`; or `"hf:OWNER/NAME[@REVISION][/FILE]"`, which is fetched into the cache that all tools of the hub share. A path is relative to the spec and stays in its folder. A file of PyTorch is read without running anything of it: one that asks for more than tensors is refused by the name of what it asks for.',
    wrong: 'weights "https://example.com/model.safetensors"',
    right: 'weights "model.safetensors"',
  }),
  "weights-of-itself": entry<{ recipe: string; chain: string }>({
    code: "TL0620",
    severity: "error",
    title: "recipes that begin with each other's weights",
    message: ({ recipe, chain }) => `\`${recipe}\` would begin with its own weights: it begins with \`${chain}\``,
    explanation:
      "`weights NAME` begins with what another recipe of the same file has trained, which is run first where that has not been done. So one of them begins with random weights, or with a file.",
    wrong: "recipe a { weights b … }\nrecipe b { weights a … }",
    right: "recipe a { … }\nrecipe b { weights a … }",
  }),
  "weights-do-not-fit": entry<{ source: string; faults: string }>({
    code: "TL0602",
    severity: "error",
    title: "weights that do not fit the network",
    message: ({ source, faults }) => `\`${source}\` does not fit the network: ${faults}`,
    explanation:
      "Every parameter of the network has its tensor in the file, and every tensor of the file its place. What the file lacks is declared `new` and begins with random values; what it has beyond the network is declared `drop`; what has another name is given the network's by `rename A to B`. All of it is checked from the file's header, before any weights are read or fetched. Left out of account are the counters of batch normalization and tables of positions; prefixes of wrappers, such as `module.`, and the old spellings `gamma` and `beta` are understood.",
    wrong: 'network resnet18(classes: 5)\nweights "resnet18.pth"',
    right: 'network resnet18\nweights "resnet18.pth"\nreplace fc with linear(5)',
  }),
  "weights-pattern-idle": entry<{ word: string; pattern: string; source: string; what: string }>({
    code: "TL0603",
    severity: "error",
    title: "a pattern of `weights` that matches nothing",
    message: ({ word, pattern, source, what }) =>
      `\`${word} ${pattern}\` matches no ${what}${word === "drop" || word === "rename" ? ` of \`${source}\`` : ""}`,
    explanation: "A pattern that matches nothing is misspelt, or for other weights. Nothing is silently ignored.",
    wrong: 'weights "model.safetensors" drop clss.**',
    right: 'weights "model.safetensors" drop cls.**',
  }),
  "bad-rename": entry<{ from: string; to: string }>({
    code: "TL0604",
    severity: "error",
    title: "a `rename` whose sides have different wildcards",
    message: ({ from, to }) => `\`${to}\` does not have the wildcards of \`${from}\``,
    explanation:
      "What `*` and `**` stand for on the left is put in the place of those on the right, in their order; so both sides have the same ones.",
    wrong: 'weights "model.safetensors" rename encoder.** to body',
    right: 'weights "model.safetensors" rename encoder.** to body.**',
  }),
  "replace-nothing": entry<{ scope: string }>({
    code: "TL0605",
    severity: "error",
    title: "a `replace` of a scope that the network does not have",
    message: ({ scope }) => `the network has no scope \`${scope}\` to replace`,
    explanation:
      "`replace SCOPE with STEPS` puts other steps where the network has those of a scope: `fc: linear(1000)` is the scope `fc`.",
    wrong: "replace head with linear(5)   // the network has `fc: linear(1000)`",
    right: "replace fc with linear(5)",
  }),
  "bad-replace": entry<{ pattern: string; reason: string }>({
    code: "TL0606",
    severity: "error",
    title: "a `replace` of other than one scope",
    message: ({ pattern, reason }) => `cannot replace \`${pattern}\`: ${reason}`,
    explanation: "A scope is replaced as a whole, and once. To replace several scopes write `replace` for each.",
    wrong: "replace layer*.0 with relu",
    right: "replace layer1.0 with relu\nreplace layer2.0 with relu",
  }),
  "bad-hub-name": entry<{ text: string }>({
    code: "TL0607",
    severity: "error",
    title: "a name that the hub cannot have",
    message: ({ text }) => `\`${text}\` does not name a model of the hub`,
    explanation:
      "A model of the hub is `hf:OWNER/NAME`. A revision (a branch, tag or commit) follows behind `@`, a file of the repository behind `/`; left out, they are `main` and the file that models keep their weights in.",
    wrong: 'weights "hf:resnet18"',
    right: 'weights "hf:timm/resnet18.tv_in1k@main/model.safetensors"',
  }),
} as const;
