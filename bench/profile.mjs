// Prints how long each kernel of the CNN's training step takes: node bench/profile.mjs
import { importTypeScript } from "./bundle.mjs";

process.argv[2] = "profile";
await importTypeScript("bench/tlc-cnn.ts");
