#!/usr/bin/env bash
# Sets up what the tests need and is missing on a Debian machine that has Go: PostgreSQL, Chromium with a CJK font and
# a C compiler (for -race) from Debian; the linters and an S3 server built from source into $EXEUNT_CACHE/bin. Running
# it again costs a fraction of a second.
set -euo pipefail

cd "$(dirname "$0")"
cache=${EXEUNT_CACHE:-/tmp/exeunt-test-$(id -u)}
# shellcheck source=versions.env
source versions.env

# The tools are programs of their own: the flags of our module are none of theirs.
export GOFLAGS=-buildvcs=false
export GOBIN=$cache/bin

die() {
	echo "setup: $*" >&2
	exit 1
}

command -v go >/dev/null || die "Go is missing: install Go 1.26 or later (https://go.dev/dl/) and put it into PATH"

missing=()
for package in ca-certificates chromium fonts-noto-cjk gcc libc6-dev postgresql; do
	dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
done
if ((${#missing[@]})); then
	echo "setup: installing ${missing[*]}" >&2
	root=()
	if ((EUID != 0)); then
		command -v sudo >/dev/null || die "cannot install ${missing[*]}: run this as root, or install them yourself"
		root=(sudo)
	fi
	apt=("${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0)
	log=$(mktemp)
	# A machine's package lists may be old or absent, hence the second try after an update.
	"${apt[@]}" install -y --no-install-recommends "${missing[@]}" >"$log" 2>&1 ||
		{ "${apt[@]}" update && "${apt[@]}" install -y --no-install-recommends "${missing[@]}"; } >>"$log" 2>&1 ||
		{
			cat "$log" >&2
			die "apt-get could not install ${missing[*]}"
		}
	rm -f "$log"
fi

mkdir -p "$GOBIN"
# A tool's stamp holds the version it was built from.
install_tool() {
	local name=$1 source=$2 stamp=$GOBIN/.$1.version
	if [[ -x $GOBIN/$name && $(cat "$stamp" 2>/dev/null) == "$source" ]]; then
		return
	fi
	echo "setup: building $source" >&2
	(cd / && go install "$source") || die "could not build $source"
	echo "$source" >"$stamp"
}
install_tool golangci-lint "$GOLANGCI_LINT"
install_tool versitygw "$VERSITYGW"
