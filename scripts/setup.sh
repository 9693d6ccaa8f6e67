#!/usr/bin/env bash
# Sets up what the tests need and is missing on a Debian machine that has Go: PostgreSQL, Chromium with a CJK font and
# a C compiler (for -race) and ffmpeg from Debian; the linters and an S3 server built from source into $EXEUNT_CACHE/bin; a real
# video from npm. Running it again costs a fraction of a second.
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

video=$cache/videos/big-buck-bunny.mp4
have_video() { [[ -s $video && $(cat "$video.version" 2>/dev/null) == "$TEST_VIDEO_SHA512" ]]; }

packages=(ca-certificates chromium ffmpeg fonts-noto-cjk gcc libc6-dev postgresql)
# An npm that came another way than from Debian is as good.
have_video || command -v npm >/dev/null || packages+=(npm)
missing=()
for package in "${packages[@]}"; do
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

# The archive is checked before anything of it is used.
fetch_video() {
	local work
	work=$(mktemp -d)
	echo "setup: fetching $TEST_VIDEO" >&2
	(cd "$work" && npm pack --silent "$TEST_VIDEO" >/dev/null) ||
		die "could not fetch $TEST_VIDEO with npm: check the network and npm's own settings (npm config list), then run this again"
	echo "$TEST_VIDEO_SHA512  $(echo "$work"/*.tgz)" | sha512sum --check --quiet - >&2 || die "$TEST_VIDEO is not what it was: its checksum differs"
	mkdir -p "${video%/*}"
	tar --warning=no-unknown-keyword -xzOf "$work"/*.tgz package/video.mp4 >"$video"
	echo "$TEST_VIDEO_SHA512" >"$video.version"
	rm -rf "$work"
}
have_video || fetch_video
