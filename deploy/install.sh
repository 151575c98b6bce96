#!/bin/sh
# Installs the daemon under systemd, upgrades it, goes back, and removes it. Run it again as often as you like.
#
# Each release is a virtual environment of its own below /opt/inspector/releases, and /opt/inspector/venv points to the
# one that runs: to upgrade is to move that link, and to go back is to move it once more.
set -eu
export LC_ALL=C
unset PYTHONPATH PYTHONHOME # what a shell has set is not for the daemon's environment
umask 022

KEEP=3 # releases, with the one that runs and the one before it

usage() {
    cat <<USAGE
usage: install.sh [--wheels FOLDER] [--extras NAMES] [--root FOLDER]
       install.sh --rollback | --remove [--purge] [--root FOLDER]

Without a command: install or upgrade to the sources that this script lies in, start the running lines again, and have
'inspector doctor' look at each. A release that cannot run a line which the old one can is not taken.

  --wheels FOLDER  no network: line_inspector-*.whl and all that it needs are there, made on another machine by
                   'pip wheel --constraint .ci/constraints.txt --wheel-dir FOLDER .'
  --extras NAMES   further parts of the package, as 'openvino,parquet'
  --rollback       back to the release before; a second time, forward again
  --remove         stop and remove everything but configuration, secrets, bundles, records and pictures
  --purge          with --remove: these as well
  --root FOLDER    for trying out: everything below FOLDER, and systemd is told nothing

examples:
  sudo deploy/install.sh
  sudo deploy/install.sh --wheels /media/usb/wheels --extras openvino
  sudo deploy/install.sh --rollback

exit status: 0 all is well; 1 it is not, and what ran before runs on; 2 wrong command line
USAGE
}

say() { echo "install.sh: $1"; }

fail() {
    echo "install.sh: $1" >&2
    exit 1
}

misused() {
    echo "install.sh: $1" >&2
    usage >&2
    exit 2
}

main() {
    source=$(cd "$(dirname "$0")/.." && pwd)
    command=install wheels='' extras='' root='' purge=''
    while [ $# -gt 0 ]; do
        case $1 in
            --wheels | --extras | --root) [ $# -gt 1 ] || misused "$1 needs a word behind it" ;;
        esac
        case $1 in
            --wheels) wheels=$2 && shift ;;
            --extras) extras=$2 && shift ;;
            --root) root=${2%/} && shift ;;
            --rollback | --remove) command=${1#--} ;;
            --purge) purge=yes ;;
            --help | -h) usage && exit 0 ;;
            *) misused "$1: not understood" ;;
        esac
        shift
    done
    [ -z "$purge" ] || [ "$command" = remove ] || misused "--purge goes with --remove alone"
    [ -n "$root" ] || [ "$(id -u)" = 0 ] || fail "needs root: sudo $0"
    opt=$root/opt/inspector etc=$root/etc/inspector state=$root/var/lib/inspector units=$root/etc/systemd/system
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    if [ "$command" = remove ]; then
        remove
    else
        mkdir -p "$opt/releases" "$units"
        exec 9>"$opt/lock"
        flock --nonblock 9 || fail "another install.sh is at work"
        "$command"
    fi
}

install() {
    find_python
    find_wheel
    release=$(identity)
    if [ -e "$opt/releases/$release/complete" ]; then
        say "$release is here already"
    else
        make_release
    fi
    take_over_what_was_made_by_hand
    try_lines
    make_folders
    [ "$(where venv)" = "$release" ] || change_to "$release"
    forget_old_releases
    say "$release is installed"
    examine
}

rollback() {
    [ -L "$opt/previous" ] || fail "there is no release to go back to"
    change_to "$(where previous)"
    say "$(where venv) is back"
    examine
}

remove() {
    ! live || systemctl stop 'inspector-*@*' 'inspector@*'
    rm -rf "$opt"
    rm -f "$units"/inspector@.service "$units"/inspector@.service.d/openvino.conf "$units"/inspector-*@.service \
        "$units"/inspector-*@.timer \
        "$units"/*.wants/inspector@*.service "$units"/*.wants/inspector-*@*
    if [ -n "$purge" ]; then
        rm -rf "$units"/inspector@*.d "$units"/inspector-*@*.d "$etc" "$state" \
            "$root/var/lib/private/inspector" "$root/var/cache/inspector" "$root/var/cache/private/inspector"
        say "removed, with all that it ever wrote"
    else
        say "removed; configuration is left in $etc, bundles, records and pictures in $state"
    fi
    ! live || systemctl daemon-reload
}

find_python() {
    python=${PYTHON:-python3}
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || fail "needs Python 3.11 or newer as $python"
    "$python" -c 'import ensurepip' 2>/dev/null || fail "needs apt-get install python3-venv"
}

find_wheel() {
    if [ -z "$wheels" ]; then
        "$python" -m venv "$work/builder"
        "$work/builder/bin/pip" --quiet --disable-pip-version-check wheel --no-deps --wheel-dir "$work" "$source"
    fi
    wheel=$(find "${wheels:-$work}" -maxdepth 1 -name 'line_inspector-*.whl')
    [ -n "$wheel" ] || fail "no line_inspector-*.whl in $wheels"
    [ "$(echo "$wheel" | wc -l)" = 1 ] || fail "more than one line_inspector-*.whl in $wheels: leave the one to install"
}

# The version, and a hash of all that makes the release: sources with the same version are not always the same.
identity() {
    version=$(basename "$wheel" | cut -d - -f 2)
    hash=$({ contents && echo "$extras" && cat "$source"/systemd/*.*; } | sha256sum | cut -c 1-8)
    echo "$version-$hash"
}

# The wheel's own list of its files and their hashes.
contents() {
    "$python" - "$wheel" <<'PYTHON'
import sys
import zipfile

with zipfile.ZipFile(sys.argv[1]) as wheel:
    print(*(wheel.read(name).decode() for name in wheel.namelist() if name.endswith(".dist-info/RECORD")))
PYTHON
}

make_release() {
    say "installing $release"
    made=$opt/releases/$release
    rm -rf "$made"
    trap 'rm -rf "$work" "$made"' EXIT
    "$python" -m venv "$made"
    set -- --quiet --disable-pip-version-check install
    if [ -n "$wheels" ]; then
        set -- "$@" --no-index --find-links "$wheels"
    else
        set -- "$@" --constraint "$source/.ci/constraints.txt"
    fi
    "$made/bin/pip" "$@" "$wheel${extras:+[$extras]}" || fail "$release cannot be installed; nothing was changed"
    "$made/bin/inspector" --version >/dev/null || fail "$release does not run here; nothing was changed"
    mkdir "$made/systemd"
    cp "$source"/systemd/*.* "$made/systemd"
    case ",$extras," in
        *,openvino,*)
            mkdir "$made/systemd/inspector@.service.d"
            cp "$source/systemd/drop-ins/openvino.conf" "$made/systemd/inspector@.service.d"
            ;;
    esac
    touch "$made/complete"
    trap 'rm -rf "$work"' EXIT
}

# The README once said how to install by hand.
take_over_what_was_made_by_hand() {
    if [ -d "$opt/venv" ] && [ ! -L "$opt/venv" ]; then
        mv "$opt/venv" "$opt/releases/by-hand"
        point venv by-hand
    fi
}

# A mistake that the old release sees as well is not the new one's, and the doctor names it in the end.
try_lines() {
    for line in "$etc"/*.yaml; do
        if [ -e "$line" ] && takes venv "$line" && ! takes "releases/$release" "$line"; then
            cat "$work/check" >&2
            fail "$release does not take $line, which the installed one takes; nothing was changed"
        fi
    done
}

takes() {
    [ -e "$opt/$1" ] && "$opt/$1/bin/inspector" check "$2" >"$work/check" 2>&1
}

make_folders() {
    mkdir -p "$etc"
    [ -d "$etc/secrets" ] || mkdir -m 700 "$etc/secrets"
    # When a line first starts, systemd makes this its state directory and gives it to the user that it makes.
    [ -e "$state/bundles" ] || mkdir -p "$state/bundles"
}

# The release that a link names; nothing where there is none.
where() {
    [ ! -L "$opt/$1" ] || basename "$(readlink "$opt/$1")"
}

# A link is never missing, not for a moment: a line may be starting.
point() {
    ln -sfn "releases/$2" "$opt/$1.new"
    mv -T "$opt/$1.new" "$opt/$1"
}

# Or back, where a line does not start.
change_to() {
    old=$(where venv)
    lines=$(running_lines)
    point venv "$1"
    if start; then
        [ -z "$old" ] || point previous "$old"
        return
    fi
    [ -n "$old" ] || fail "$1 does not start: journalctl --unit 'inspector@*'"
    point venv "$old"
    start || fail "neither $1 nor $old starts: journalctl --unit 'inspector@*'"
    fail "$1 did not start: journalctl --unit 'inspector@*'; $old runs on"
}

live() { [ -z "$root" ] && [ -d /run/systemd/system ]; }

# And the pages of lines.
running_lines() {
    ! live || systemctl list-units --state active,activating --plain --no-legend \
        'inspector@*.service' 'inspector-ui@*.service' | cut -d ' ' -f 1
}

# Returns when each line that was running has said that it is ready, or one has failed.
start() {
    if [ -d "$opt/venv/systemd" ]; then
        rm -f "$units/inspector@.service.d/openvino.conf"
        cp -R "$opt/venv/systemd/." "$units"
    fi
    live || return 0
    systemctl daemon-reload
    for line in $lines; do
        systemctl restart "$line" || return 1
    done
}

forget_old_releases() {
    find "$opt/releases" -mindepth 1 -maxdepth 1 -printf '%T@ %f\n' | sort -rn | cut -d ' ' -f 2 |
        grep -vxF -e "$(where venv)" -e "$(where previous)" | tail -n "+$((KEEP - 1))" | while read -r each; do
        rm -rf "$opt/releases/${each:?}"
    done
}

# The last word is the doctor's: one table for each line.
examine() {
    well=yes
    for line in "$etc"/*.yaml; do
        [ -e "$line" ] || { say "next: write $etc/NAME.yaml, then systemctl enable --now inspector@NAME" && return; }
        "$opt/venv/bin/inspector" doctor "$line" || well=''
    done
    [ -n "$well" ] || fail "installed, but not all is well: see above"
}

main "$@"
