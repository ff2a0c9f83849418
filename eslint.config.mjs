// Every typed rule on; each exception has its reason.

import eslint from "@eslint/js";
import tseslint from "typescript-eslint";

export default tseslint.config(
  {
    ignores: [
      "dist/",
      ".dist-*/",
      "node_modules/",
      ".cache/",
      "coverage/",
      "runs/",
      "examples/browser/model/",
      "test/dsl/diagnostics/",
      "test/codegen/samples/",
    ],
  },
  { linterOptions: { reportUnusedDisableDirectives: "error" } },
  eslint.configs.recommended,
  {
    rules: {
      "max-lines": ["error", { max: 400 }],
      eqeqeq: "error",
      "no-restricted-syntax": [
        "error",
        {
          selector: "NewExpression[callee.object.name='Intl']:not(:function NewExpression)",
          message: "Every process that loads the file would wait for this: make it when it is first used.",
        },
      ],
    },
  },
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { project: "./tsconfig.test.json", tsconfigRootDir: import.meta.dirname } },
    rules: {
      // TypeScript finds undefined names itself, and knows which globals a file has.
      "no-undef": "off",
      // A leading underscore says that a parameter stands there for its position.
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_", ignoreRestSiblings: true }],
      // Numbers and booleans print as one expects; what must not be printed are objects.
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true, allowBoolean: true }],
      // `() => list.push(x)` as a statement is clear, and so is `return report(fault)` where nothing is returned.
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true }],
      // Brackets where the name is data, as in `env["TERM"]`.
      "@typescript-eslint/dot-notation": ["error", { allowIndexSignaturePropertyAccess: true }],
      // `Record<never, never>` is how a table says "no attributes" and "no parameters".
      "@typescript-eslint/no-generated-empty-object-type": "off",
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
      // `typeof import("…")` types what is loaded late.
      "@typescript-eslint/consistent-type-imports": ["error", { disallowTypeAnnotations: false }],
    },
  },
  {
    files: ["test/**/*.ts", "bench/**/*.ts", "fuzz/**/*.ts"],
    rules: {
      // Where a value is missing, the test fails with the line.
      "@typescript-eslint/no-non-null-assertion": "off",
    },
  },
  {
    files: ["**/*.{js,mjs}"],
    languageOptions: {
      // Scripts run in Node; the pages of the examples and tests, in a browser.
      globals: Object.fromEntries(
        [
          [
            "Buffer",
            "URL",
            "URLSearchParams",
            "location",
            "console",
            "process",
            "setTimeout",
            "setInterval",
            "performance",
            "fetch",
            "document",
            "window",
            "navigator",
            "AbortController",
          ],
          ["TextDecoder", "TextEncoder", "Blob", "crypto", "globalThis", "structuredClone", "clearTimeout"],
        ]
          .flat()
          .map((name) => [name, "readonly"]),
      ),
    },
  },
);
