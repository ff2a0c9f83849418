// Types of bundle-runtime.mjs for the tests.

/** Names of the built files that lie beside generated modules. */
export declare const RUNTIME_FILES: readonly string[];

/** The text of one of them. */
export declare function bundleRuntime(name: string, isShort?: boolean): Promise<string>;
