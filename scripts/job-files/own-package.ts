import { registerHooks } from "node:module";

const OWN = /^mulgil(?:$|\/)/;

/**
 * Makes `import … from "mulgil"` mean the program that runs, wherever a job file lies: a second copy of the library would have classes of
 * its own, and a job outside any project finds it too.
 */
export function resolveOwnPackage(): void {
  registerHooks({
    resolve: (specifier, context, next) =>
      OWN.test(specifier) ? next(specifier, { ...context, parentURL: import.meta.url }) : next(specifier, context),
  });
}
