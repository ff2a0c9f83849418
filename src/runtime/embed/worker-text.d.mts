// The text of the worker threads' file, as a module that lies beside it in a compiled folder; scripts/bundle-runtime.mjs makes it.

declare const text: string;
export default text;
