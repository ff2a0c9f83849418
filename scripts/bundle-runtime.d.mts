// Types of bundle-runtime.mjs for the tests.

/** The text of the runtime beside a generated module. */
export declare function bundleRuntime(): Promise<string>;
