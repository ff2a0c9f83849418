// The cache of the hub on disk, as huggingface_hub lays it out: contents under their hashes, snapshots of commits as links to them, and the
// commits that branches stood at. What has its name here is whole: it is put there by one rename.
//
//   models--OWNER--NAME/blobs/HASH   snapshots/COMMIT/FILE -> ../../blobs/HASH   refs/REVISION

import { copyFile, lstat, mkdir, readFile, stat, symlink } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { writeFileAtomic } from "../atomic-file.ts";

export const COMMIT = /^[0-9a-f]{40}$/;
/** Git's of small files, SHA-256 of large ones. */
export const CONTENT_HASH = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

export class RepoCache {
  readonly #folder: string;

  /** @param repo `OWNER/NAME` */
  constructor(cache: string, repo: string) {
    this.#folder = join(cache, `models--${repo.replaceAll("/", "--")}`);
  }

  blob(hash: string): string {
    return join(this.#folder, "blobs", hash);
  }

  snapshot(commit: string, file: string): string {
    return join(this.#folder, "snapshots", commit, file);
  }

  /** The commit that a branch or tag was at when it was last asked for. */
  async commitOf(revision: string): Promise<string | undefined> {
    if (COMMIT.test(revision)) return revision;
    const text = await readFile(join(this.#folder, "refs", revision), "utf8").catch(() => "");
    return COMMIT.test(text.trim()) ? text.trim() : undefined;
  }

  async note(revision: string, commit: string): Promise<void> {
    if (COMMIT.test(revision) || (await this.commitOf(revision)) === commit) return;
    await writeFileAtomic(join(this.#folder, "refs", revision), commit);
  }

  /** The path of a file that is here, whole. */
  async find(commit: string, file: string): Promise<string | undefined> {
    const path = this.snapshot(commit, file);
    return (await isFile(path)) ? path : undefined;
  }

  async has(hash: string): Promise<boolean> {
    return isFile(this.blob(hash));
  }

  /** Gives a content its name in a snapshot. */
  async link(hash: string, commit: string, file: string): Promise<string> {
    const path = this.snapshot(commit, file);
    await mkdir(dirname(path), { recursive: true });
    if ((await lstat(path).catch(() => undefined)) !== undefined) return path;
    try {
      await symlink(relative(dirname(path), this.blob(hash)), path);
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "EEXIST") return path;
      // Windows has links for few; a copy is what Python makes there, too.
      await copyFile(this.blob(hash), path);
    }
    return path;
  }
}

const isFile = async (path: string): Promise<boolean> => (await stat(path).catch(() => undefined))?.isFile() === true;
