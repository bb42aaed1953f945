#!/bin/sh
# A container engine whose images are programs in the folder IMAGES and whose containers are
# processes. It takes what the emulator says to docker, and nothing else.
set -eu
state=$(dirname "$0")
echo "$*" >>"$state/log"
case $1 in
image) # inspect --format {{.Id}} -- IMAGE
	[ "$2 $3 $5" = "inspect --format --" ]
	[ -x "$state/images/$6" ] || { echo "Error: No such image: $6" >&2; exit 1; } ;;
run)
	shift
	while [ "$1" != -- ]; do
		case $1 in
		--rm) shift; continue ;;
		--pull) [ "$2" = never ] ;;
		--name) name=$2 ;;
		--label) ;;
		--mount) ML=${2#type=bind,source=}; export ML="${ML%,target=/opt/ml}" ;;
		--publish) PORT=${2#127.0.0.1:}; export PORT="${PORT%:8080}" ;;
		--env) export "$2" ;;
		*) echo "unknown option $1" >&2; exit 125 ;;
		esac
		shift 2
	done
	image=$2
	shift 2
	trap 'rm -f "$state/$name.container"' EXIT
	setsid "$state/images/$image" "$@" &
	child=$!
	echo $child >"$state/$name.container"
	trap 'kill -TERM $child' TERM
	code=0
	wait $child || code=$?
	if kill -0 $child 2>/dev/null; then wait $child && code=0 || code=$?; fi
	exit $code ;;
ps) # --all --quiet --filter label=betimes=DIR
	for file in "$state"/*.container; do [ ! -e "$file" ] || basename "$file" .container; done ;;
rm) # --force --volumes NAME…
	shift 3
	for name; do
		file="$state/$name.container"
		[ ! -e "$file" ] || { kill -KILL "$(cat "$file")" || :; rm -f "$file"; }
	done ;;
*) echo "unknown command $1" >&2; exit 1 ;;
esac
