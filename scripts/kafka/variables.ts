import { homedir } from "node:os";
import path from "node:path";

// The only file of this folder that reads process.env.

/** Where jars are kept between runs; safe to delete. */
export const cacheFolder = path.join(process.env["XDG_CACHE_HOME"] ?? path.join(homedir(), ".cache"), "mulgil");

const javaHome = process.env["JAVA_HOME"];

/** A program of the JDK: of JAVA_HOME, or else the one that is found. */
export const jdkProgram = (name: "java" | "keytool"): string =>
  javaHome === undefined ? name : path.join(javaHome, "bin", name);
