#!/bin/bash
# Ships what changes on this server to a bucket: binary logs of the database, files of the sites.
# One pass: note the time in the database, look how long each log is, ship the files that changed
# since the last pass, then the logs. So no log in the bucket names a file that is not there.
# Installed by blocks/archives/agent.py; the objects' keys are read by blocks/archives/names.py.
#   agent.sh ship           ship for ever (the service archive-agent)
#   agent.sh identity LOG   print what tells this log from others of its name
set -uo pipefail
umask 077
export LC_ALL=C TZ=UTC
readonly home=${STATE_DIRECTORY:-} work=${RUNTIME_DIRECTORY:-} # from systemd
readonly piece=$((16 * 1024 * 1024)) # bytes of a log in one object, before compression
readonly span=40                     # so many small pieces, then one that covers them all
declare -A shipped_log=() log_begin=() log_end=() log_count=()
declare -A site_begin=() site_end=() site_count=()
alone="" last="" from="" rescan=""

now() { date -u +%Y%m%dT%H%M%S.%3NZ; }

fail() {
  printf '%s\n' "$*" >>"$work/errors"
  printf 'archive-agent: %s\n' "$*" >&2
  return 1
}

# The first two events, without the two bytes of flags where "in use" is wiped when it is closed.
identity() { # LOG
  local first second
  first=$(od -An -tu4 --endian=little -j13 -N4 -- "$1" 2>/dev/null) && [ -n "$first" ] || return 1
  second=$(od -An -tu4 --endian=little -j$((first + 13)) -N4 -- "$1") && [ -n "$second" ] || return 1
  (($(stat -c %s -- "$1") >= 4 + first + second)) || return 1
  { dd bs=1 skip=4 count=17; dd bs=1 skip=2 count=$((first + second - 19)); } <"$1" 2>/dev/null |
    sha256sum | cut -c1-16
}

packed() { zstd -q -3 -c | age --encrypt --recipient "$RECIPIENT"; }

# The bucket's key goes through a pipe: argv is for everybody to see.
put() { # KEY FILE
  local sum
  sum=$(sha256sum -- "$2") || return 1
  printf 'user = "%s:%s"\naws-sigv4 = "aws:amz:%s:s3"\n' "$ACCESS_KEY" "$SECRET_KEY" "$REGION" |
    curl --config - --silent --show-error --fail --connect-timeout 5 --speed-limit 1 --speed-time 20 \
      --max-time 900 "${CURL[@]}" --header "x-amz-content-sha256: ${sum%% *}" \
      --output /dev/null --upload-file "$2" "$URL$1" 2>"$work/said" ||
    fail "cannot upload $1: $(tail -n 1 "$work/said")"
}

remember() { # NAME VALUE...; a disk that is full does not stop the shipping
  local name=$1
  shift
  { printf '%s\n' "$*" >"$home/state/.new" && mv "$home/state/.new" "$home/state/$name"; } 2>/dev/null ||
    fail "cannot write $home/state/$name: is the disk full?"
  return 0
}

pulse() {
  mariadb --no-defaults "${CLIENT[@]}" --connect-timeout=5 -e "SET SESSION sql_mode = '';
    INSERT INTO $TABLE (id, beaten_at) VALUES (1, '$(date -u '+%F %T.%6N')')
    ON DUPLICATE KEY UPDATE beaten_at = VALUES(beaten_at)" 2>"$work/said" ||
    fail "cannot write the pulse: $(tail -n 1 "$work/said")"
}

measure_logs() { # -> $work/sizes: inode, size, path; last
  local path paths=()
  while IFS= read -r path; do
    [ -z "$path" ] || paths+=("$(cd "${INDEX%/*}" && realpath -sm -- "$path")")
  done <"$INDEX"
  last=${paths[-1]}
  stat -c '%i %s %n' -- "${paths[@]}" >"$work/sizes" || fail "a binary log of $INDEX is missing"
}

ship_logs() { # STAMP
  local path size inode id before="" known
  while read -r inode size path; do
    known="$inode $size $path"
    id=${shipped_log[$known]:-}
    if [ -z "$id" ]; then
      id=$(identity "$path") || continue # just begun: the next pass has it
      [ -n "${log_end[$id]:-}" ] || load_log "$id" "$path" "$size"
      ship_log "$1" "$path" "$id" "$size" "$before" || return 1
      [ "$path" = "$last" ] || shipped_log[$known]=$id # closed, as another one follows
    fi
    before="-after-${path##*/}-$id-$size"
  done <"$work/sizes"
  [ -e "$home/state/begun" ] || remember begun "$1"
}

load_log() { # ID LOG SIZE
  local begin=0 end=0 count=0
  if ! read -r begin end count 2>/dev/null <"$home/state/$1"; then
    begin=0 count=0
    # What was written before the archive began belongs to no recovery set.
    if [ ! -e "$home/state/begun" ] && [ "$2" != "$last" ]; then begin=$3; fi
    end=$begin
  fi
  log_begin[$1]=$begin log_end[$1]=$end log_count[$1]=$count
}

ship_log() { # STAMP LOG ID SIZE LINK
  local begin=${log_begin[$3]} end=${log_end[$3]} count=${log_count[$3]} from to link
  while ((end < $4)); do
    from=$end to=$((end + piece < $4 ? end + piece : $4)) count=$((count + 1))
    if ((to - begin > piece)); then
      begin=$from count=0
    elif ((count >= span)); then
      from=$begin
    fi
    link=""
    ((from > 0)) || link=$5
    dd if="$2" iflag=skip_bytes,count_bytes skip="$from" count=$((to - from)) bs=1M status=none |
      packed >"$work/piece" || { fail "cannot read $2"; return 1; }
    put "$1-log-${2##*/}-$3-$from-$to$link$alone.zst.age" "$work/piece" || return 1
    if ((count >= span)); then begin=$to count=0; fi
    end=$to
    log_begin[$3]=$begin log_end[$3]=$end log_count[$3]=$count
    remember "$3" "$begin $end $count"
  done
}

# What changed; the folders it is in, for their times; and of changed folders all names with their
# types, so that what is gone can go.
list_changes() { # SITE SECONDS -> $work/{names,folders,entries}; names is empty if nothing changed
  local -n roots=ROOTS_$1 except=EXCEPT_$1
  find "${roots[@]}" -xdev "${except[@]}" -newerct "@$2" ! -type s -print0 >"$work/names" || return 1
  [ -s "$work/names" ] || return 0
  find "${roots[@]}" -xdev "${except[@]}" -newerct "@$2" -type d -print0 >"$work/folders" || return 1
  xargs -0r sh -c 'exec find "$@" -mindepth 1 -maxdepth 1 -printf "%y%p\0"' - <"$work/folders" >"$work/entries"
  find "${roots[@]}" -xdev "${except[@]}" -newerct "@$2" ! -type d ! -type s -printf '%h\0' |
    cat "$work/names" - | sort -zu -o "$work/names"
}

seconds() { # STAMP: in seconds since 1970
  date -u -d "${1:0:4}-${1:4:2}-${1:6:2} ${1:9:2}:${1:11:2}:${1:13}" +%s.%3N
}

ship_site() { # STAMP SITE NUMBER
  local begin=${site_begin[$2]} since=${site_end[$2]} count=$((site_count[$2] + 1)) status earlier
  if ((count >= span)); then since=$begin; fi
  if [ -n "$rescan" ] && [[ $rescan < $since ]]; then since=$rescan; fi
  # Two seconds more: a scan takes its time, and the file system's clock lags.
  earlier=$(seconds "$since") && list_changes "$3" "$((${earlier%.*} - 2)).${earlier#*.}" ||
    { fail "cannot read the files of $2"; return 1; }
  [ -s "$work/names" ] || return 0
  tar --create --directory=/ --absolute-names --no-recursion --null --verbatim-files-from \
    --numeric-owner --xattrs --acls --ignore-failed-read --warning=none \
    --files-from=<(printf '%s\0' "$work/folders" "$work/entries"; cat "$work/names") \
    2>"$work/said" | packed >"$home/changed"
  status=("${PIPESTATUS[@]}")
  # 1: a file changed while it was read; the next pass has it again.
  ((status[0] < 2 && status[1] == 0)) || { fail "cannot pack $2: $(tail -n 1 "$work/said")"; return 1; }
  put "$1-files-$2-$since.tar.zst.age" "$home/changed" || return 1
  if ((count >= span)); then begin=$1 count=0; fi
  site_begin[$2]=$begin site_end[$2]=$1 site_count[$2]=$count
  remember "site-$2" "$begin $1 $count"
}

load_site() { # SITE STAMP
  local begin end count
  if ! read -r begin end count 2>/dev/null <"$home/state/site-$1"; then
    begin=$2 end=$2 count=0
    remember "site-$1" "$begin $end $count"
  fi
  site_begin[$1]=$begin site_end[$1]=$end site_count[$1]=$count
}

pass() {
  local stamp number good=0
  if [ -n "$INDEX" ]; then pulse || good=1; fi
  stamp=$(now)
  if [ -n "$INDEX" ]; then measure_logs || good=1; fi
  alone="" rescan=""
  read -r rescan 2>/dev/null <"$home/rescan"
  for number in "${!SITES[@]}"; do
    # A log that lies there while its files do not says so.
    ship_site "$stamp" "${SITES[number]}" "$number" || { good=1 alone=-alone; }
  done
  if [ -n "$rescan" ] && [ -z "$alone" ]; then rm -f "$home/rescan"; fi
  if [ -n "$INDEX" ]; then
    ship_logs "$stamp" || good=1
  elif [ -z "$alone" ]; then
    : | packed >"$work/piece" && put "$stamp-pulse.zst.age" "$work/piece" || good=1
  fi
  [ "$good" = 0 ] && printf '%s\n' "$stamp" >"$work/passed"
}

ship() {
  local began number
  . "$home/settings" || exit 78
  mkdir -p "$home/state" "$work"
  for number in "${!SITES[@]}"; do load_site "${SITES[number]}" "$(now)"; done
  while :; do
    began=$SECONDS
    : >"$work/errors"
    pass
    mv "$work/errors" "$work/error"
    sleep $((SECONDS - began < INTERVAL ? INTERVAL - SECONDS + began : 1)) &
    wait $!
  done
}

case "${1:-}" in
  identity) identity "$2" ;;
  ship) ship ;;
  *) echo "usage: agent.sh ship | identity LOG" >&2; exit 2 ;;
esac
