#!/usr/bin/env bash
# Fetches the OHIF viewer as npm has it, and makes it ready to be served below /ohif/:  scripts/ohif.sh FOLDER
# Nothing is fetched where FOLDER holds this version already.
set -euo pipefail
folder=${1:?Name the folder that OHIF shall be in, as in: scripts/ohif.sh build/ohif}
version=3.13.2
# What npm calls its integrity, in hexadecimal.
sha512=5997719a9986eeba85816f5924b71b82bdd70ad2e2d4a0cd3e831a798e4f3deea3e06e1f8c48e393271933a0ba664d85f3b04ac457e9abe8dde715d907d13c10

fail() {
    echo "$1" >&2
    exit 1
}

# A version made ready in another way counts as another one.
stamp="$version $(sha256sum <"${BASH_SOURCE[0]}")"
[ "$(cat "$folder/stamp" 2>/dev/null || true)" = "$stamp" ] && exit 0

echo "Fetching OHIF $version"
mkdir -p "$(dirname "$folder")"
work=$(mktemp -d "$folder.XXXXXX")
trap 'rm -rf "$work"' EXIT
npm pack "@ohif/app@$version" --pack-destination "$work" --silent --fetch-retries=5 >/dev/null ||
    fail "OHIF $version could not be fetched: npm reaches no registry."
archive=$work/ohif-app-$version.tgz
echo "$sha512  $archive" | sha512sum --check --status ||
    fail "What npm calls OHIF $version is not what was tested: its hash is another one. It is not used."

# ort/ is of tools that fetch their models from elsewhere, sw.js keeps a second copy of everything in the browser.
mkdir "$work/dist"
tar --extract --gzip --file "$archive" --directory "$work/dist" --strip-components=2 --touch --no-same-owner \
    --exclude='*.map' --exclude='package/dist/ort' --exclude='package/dist/sw.js' package/dist
# Built to be served at the root: every address in it that begins there is told its folder.
(
    cd "$work/dist"
    sed -i 's|="/|="/ohif/|g' index.html
    sed -i 's|url(/|url(/ohif/|g' ./*.css
    sed -i 's|"src": "/|"src": "/ohif/|' manifest.json
    sed -i 's|__webpack_require__\.p = "/";|__webpack_require__.p = "/ohif/";|' ./*.js
    grep -q '__webpack_require__\.p = "/ohif/";' app.bundle.*.js
) || fail "OHIF $version is not laid out as expected."
echo "$stamp" >"$work/dist/stamp"
chmod -R u=rwX,go=rX "$work/dist"
rm -rf "$folder"
mv "$work/dist" "$folder"
