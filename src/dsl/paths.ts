// Paths as text, without a file system: specs use `/` everywhere, the path of the main file may have the system's separators.

export function folderOf(path: string): string {
  const cut = Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\"));
  return cut === -1 ? "." : cut === 0 ? "/" : path.slice(0, cut);
}

export const isAbsolute = (path: string): boolean => /^([A-Za-z]:)?[\\/]/.test(path);

/** `relative` below `folder`, with `.` and `..` resolved. */
export function joinPath(folder: string, relative: string): string {
  const root = /^(?:[A-Za-z]:)?[\\/]*/.exec(folder)?.[0] ?? "";
  const parts: string[] = [];
  for (const part of `${folder.slice(root.length)}/${relative}`.split(/[\\/]+/)) {
    if (part === "" || part === ".") continue;
    if (part === ".." && parts.length > 0 && parts.at(-1) !== "..") parts.pop();
    else if (part !== ".." || root === "") parts.push(part);
  }
  return root + parts.join("/");
}

const COMMAND_LINE = "--set";

/** What stands for the file of the i-th `--set`; its paths are relative to the working directory. */
export const commandLine = (i: number): string => (i === 0 ? COMMAND_LINE : `${COMMAND_LINE} (${i + 1})`);
export const isCommandLine = (file: string): boolean => file.startsWith(COMMAND_LINE);
