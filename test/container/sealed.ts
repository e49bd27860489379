/**
 * Enters a mount namespace in which no file system can be written to, an empty folder and the identity of nobody in
 * particular, without any capability; then becomes the program. The variables that a start through `bun run` sets are not there.
 */
const SEAL = `
set -e
mount --make-rprivate /
chmod 755 .
mkdir empty
cut -d " " -f 2 /proc/self/mounts | while read -r at; do
  case "$at" in /proc*|/sys*|/dev/pts*) ;; *) mount -o remount,bind,ro "$at" ;; esac
done
cd empty
exec setpriv --reuid 65532 --regid 65532 --clear-groups --no-new-privs --inh-caps=-all --bounding-set=-all \\
  env -u BUN_CONFIG_MAX_HTTP_REQUESTS HOME=/nonexistent "$@"
`;

/** What is put before a command to run it so. */
export const SEALED: readonly string[] = ["unshare", "--mount", "sh", "-c", SEAL, "sh"];
