#!/bin/bash
# Ships what changes on this server to buckets: binary logs of the database, files of the sites.
# One pass: note the time in the database, look how long each log is and where files changed. Then
# a process for each bucket brings it there, however long it takes: the files that changed since it
# was there last, then the logs. So no log in a bucket names a file that is not there, and a bucket
# that is down or slow stops no other.
# Installed by blocks/archives/agent.py; the objects' keys are read by blocks/archives/names.py.
#   agent.sh ship           ship for ever (the service archive-agent)
#   agent.sh identity LOG   print what tells this log from others of its name
set -uo pipefail
umask 077
export LC_ALL=C TZ=UTC
readonly home=${STATE_DIRECTORY:-} work=${RUNTIME_DIRECTORY:-} # from systemd
readonly piece=$((16 * 1024 * 1024)) # bytes of a log in one object, before compression
readonly span=40                     # so many small pieces, then one that covers them all
readonly digits=ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/
declare -A log_id=() changed=() # by inode, size and path; by site: the newest pass that saw a change
logs=() jobs=() last="" stamp="" looked="" rescan="" good=0
place=0 kept=$work state="" # of the bucket that a process is for: its number and its two folders

now() { date -u +%Y%m%dT%H%M%S.%3NZ; }

seconds() { # STAMP: in seconds since 1970, two less: a scan takes its time, and the disk's clock lags
  local whole
  whole=$(date -u -d "${1:0:4}-${1:4:2}-${1:6:2} ${1:9:2}:${1:11:2}:${1:13:2}" +%s) || return 1
  printf '%s' "$((whole - 2)).${1:16:3}"
}

fail() {
  printf '%s\n' "$*" >>"$kept/errors"
  printf 'archive-agent: %s\n' "$*" >&2
  return 1
}

# --- one look at the server ---

pulse() {
  mariadb --no-defaults "${CLIENT[@]}" --connect-timeout=5 -e "SET SESSION sql_mode = '';
    INSERT INTO $TABLE (id, beaten_at) VALUES (1, '$(date -u '+%F %T.%6N')')
    ON DUPLICATE KEY UPDATE beaten_at = VALUES(beaten_at)" 2>"$work/said" ||
    fail "cannot write the pulse: $(tail -n 1 "$work/said")"
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

measure_logs() { # -> logs: identity, size, path; in their order
  local path size inode id paths=() whole=0
  while IFS= read -r path; do
    [ -z "$path" ] || paths+=("$(cd "${INDEX%/*}" && realpath -sm -- "$path")")
  done <"$INDEX"
  last=${paths[-1]} logs=()
  stat -c '%i %s %n' -- "${paths[@]}" >"$work/sizes" || whole=1
  while read -r inode size path; do
    id=${log_id["$inode $size $path"]:-}
    if [ -z "$id" ]; then
      id=$(identity "$path") || continue # just begun: the next pass has it
      [ "$path" = "$last" ] || log_id["$inode $size $path"]=$id # closed, as another one follows
    fi
    logs+=("$id $size $path")
  done <"$work/sizes"
  [ "$whole" = 0 ] || fail "a binary log of $INDEX is missing"
}

any_change() { # NUMBER SECONDS; what cannot be read counts: who ships it tells
  local -n roots=ROOTS_$1 except=EXCEPT_$1
  [ -n "$(find "${roots[@]}" -xdev "${except[@]}" -newerct "@$2" ! -type s -print -quit 2>&1)" ]
}

look() {
  local number since=""
  good=0
  if [ -n "$INDEX" ]; then pulse || good=1; fi
  stamp=$(now) rescan=""
  if [ -n "$INDEX" ]; then measure_logs || good=1; fi
  [ -z "$looked" ] || since=$(seconds "$looked")
  for number in "${!SITES[@]}"; do
    if [ -z "$since" ] || any_change "$number" "$since"; then changed[${SITES[number]}]=$stamp; fi
  done
  read -r rescan 2>/dev/null <"$home/rescan"
  looked=$stamp
}

# --- one bucket ---

packed() { zstd -q "${1:--3}" -c | age --encrypt "${RECIPIENT[@]/#/--recipient=}"; } # [LEVEL]

in_base64() { # HEX of 16 bytes -> $encoded; AWS wants an MD5 so where a bucket locks what is new
  local n bits
  encoded=""
  for ((n = 0; n < 30; n += 6)); do
    bits=$((16#${1:n:6}))
    encoded+=${digits:bits>>18:1}${digits:bits>>12&63:1}${digits:bits>>6&63:1}${digits:bits&63:1}
  done
  bits=$((16#${1:30:2} << 4))
  encoded+=${digits:bits>>6:1}${digits:bits&63:1}==
}

# The bucket's key goes through a pipe: argv is for everybody to see. curl signs the MD5 with the
# other headers, so it covers the body; a SHA-256 of it would cost the server as much again.
put() { # KEY FILE [MD5]
  local md5 encoded ca=${CA[place]}
  md5=${3:-$(md5sum <"$2")} && [ -n "$md5" ] || return 1
  in_base64 "${md5%% *}"
  printf 'user = "%s:%s"\naws-sigv4 = "aws:amz:%s:s3"\n' \
    "${ACCESS_KEY[place]}" "${SECRET_KEY[place]}" "${REGION[place]}" |
    curl --config - --silent --show-error --fail --connect-timeout 5 --speed-limit 1 --speed-time 20 \
      --max-time 900 ${ca:+--cacert "$ca"} --header "x-amz-content-sha256: UNSIGNED-PAYLOAD" \
      --header "Content-MD5: $encoded" --output /dev/null --upload-file "$2" "${URL[place]}$1" 2>"$kept/said" ||
    fail "cannot upload ${URL[place]}$1: $(tail -n 1 "$kept/said")"
}

remember() { # NAME VALUE...: until a reboot, and on disk; one that is full does not stop the shipping
  local name=$1
  shift
  printf '%s\n' "$*" >"$kept/$name"
  { printf '%s\n' "$*" >"$state/.new" && mv "$state/.new" "$state/$name"; } 2>/dev/null ||
    fail "cannot write $state/$name: is the disk full?"
  return 0
}

recall() { # NAME VARIABLE...
  read -r "${@:2}" 2>/dev/null <"$kept/$1" || read -r "${@:2}" 2>/dev/null <"$state/$1"
}

begin_logs() { # What was written before the archive began belongs to no recovery set.
  local each id size path
  for each in "${logs[@]}"; do
    read -r id size path <<<"$each"
    [ "$path" = "$last" ] || remember "$id" "$size $size 0"
  done
  remember begun "$stamp"
}

ship_logs() {
  local each id size path before=""
  recall begun each || begin_logs
  for each in "${logs[@]}"; do
    read -r id size path <<<"$each"
    ship_log "$path" "$id" "$size" "$before" || return 1
    before="-after-${path##*/}-$id-$size"
  done
}

# Packing is most of the work: buckets that stand at the same place share it. One at a time, so it
# never takes more than one processor; a few are kept for the bucket that comes a little later.
pack() { # LOG ID FROM TO -> $kept/piece, its MD5 in $summed
  local made=$work/packs/$2-$3-$4 level=-3 lock old
  (($4 - $3 <= 1024 * 1024)) || level=-1
  summed=""
  exec {lock}>"$work/packs/.lock" && flock "$lock"
  if [ ! -e "$made.md5" ]; then
    for old in $(cd "$work/packs" && ls -t ./*.md5 2>/dev/null | tail -n +3); do
      rm -f "$work/packs/$old" "$work/packs/${old%.md5}"
    done
    dd if="$1" iflag=skip_bytes,count_bytes skip="$3" count=$(($4 - $3)) bs=1M status=none |
      packed "$level" >"$made" && md5sum <"$made" >"$made.new" && mv "$made.new" "$made.md5" ||
      rm -f "$made" "$made.new"
  fi
  ln -f "$made" "$kept/piece" && summed=$(<"$made.md5")
  exec {lock}>&-
  [ -n "$summed" ] || fail "cannot read $1"
}

ship_log() { # LOG ID SIZE LINK
  local begin=0 end=0 count=0 from to link summed
  recall "$2" begin end count
  while ((end < $3)); do
    from=$end to=$((end + piece < $3 ? end + piece : $3)) count=$((count + 1))
    if ((to - begin > piece)); then
      begin=$from count=0
    elif ((count >= span)); then
      from=$begin
    fi
    link=""
    ((from > 0)) || link=$4
    pack "$1" "$2" "$from" "$to" || return 1
    put "$stamp-log-${1##*/}-$2-$from-$to$link$alone.zst.age" "$kept/piece" "$summed" || return 1
    if ((count >= span)); then begin=$to count=0; fi
    end=$to
    remember "$2" "$begin $end $count"
  done
}

# What changed; the folders it is in, for their times; and of changed folders all names with their
# types, so that what is gone can go.
list_changes() { # NUMBER SECONDS -> $kept/{names,folders,entries}; names is empty if nothing changed
  local -n roots=ROOTS_$1 except=EXCEPT_$1
  find "${roots[@]}" -xdev "${except[@]}" -newerct "@$2" ! -type s -print0 >"$kept/names" || return 1
  [ -s "$kept/names" ] || return 0
  find "${roots[@]}" -xdev "${except[@]}" -newerct "@$2" -type d -print0 >"$kept/folders" || return 1
  xargs -0r sh -c 'exec find "$@" -mindepth 1 -maxdepth 1 -printf "%y%p\0"' - <"$kept/folders" >"$kept/entries"
  find "${roots[@]}" -xdev "${except[@]}" -newerct "@$2" ! -type d ! -type s -printf '%h\0' |
    cat "$kept/names" - | sort -zu -o "$kept/names"
}

ship_site() { # SITE NUMBER
  local begin=$stamp end=$stamp count=0 since earlier handled=""
  recall "site-$1" begin end count || remember "site-$1" "$stamp $stamp 0"
  recall "rescan-$1" handled
  since=$end count=$((count + 1))
  if [ "$rescan" != "$handled" ]; then
    if [[ $rescan < $since ]]; then since=$rescan; fi
  elif [[ ! ${changed[$1]:-} > $end ]]; then
    return 0
  fi
  if ((count >= span)) && [[ $begin < $since ]]; then since=$begin; fi
  earlier=$(seconds "$since") && list_changes "$2" "$earlier" ||
    { fail "cannot read the files of $1"; return 1; }
  if [ -s "$kept/names" ]; then
    ship_changes "$1" "$since" || return 1
    if ((count >= span)); then begin=$stamp count=0; fi
    remember "site-$1" "$begin $stamp $count"
  fi
  [ "$rescan" = "$handled" ] || remember "rescan-$1" "$rescan"
}

ship_changes() { # SITE SINCE
  local status
  tar --create --directory=/ --absolute-names --no-recursion --null --verbatim-files-from \
    --transform="flags=r;s,^$kept/,$work/," --numeric-owner --xattrs --acls --ignore-failed-read \
    --warning=none --files-from=<(printf '%s\0' "$kept/folders" "$kept/entries"; cat "$kept/names") \
    2>"$kept/said" | packed >"$state/changed"
  status=("${PIPESTATUS[@]}")
  # 1: a file changed while it was read; the next pass has it again.
  ((status[0] < 2 && status[1] == 0)) || { fail "cannot pack $1: $(tail -n 1 "$kept/said")"; return 1; }
  put "$stamp-files-$1-$2.tar.zst.age" "$state/changed"
}

bring() { # PLACE: in a process of its own
  local number alone=""
  place=$1 kept=$work/${PLACE[$1]} state=$home/state/${PLACE[$1]}
  : >"$kept/errors"
  for number in "${!SITES[@]}"; do
    # A log that lies there while its files do not says so.
    ship_site "${SITES[number]}" "$number" || { good=1 alone=-alone; }
  done
  if [ -n "$INDEX" ]; then
    ship_logs || good=1
  elif [ -z "$alone" ]; then
    : | packed >"$kept/piece" && put "$stamp-pulse.zst.age" "$kept/piece" || good=1
  fi
  mv "$kept/errors" "$kept/error"
  [ "$good" != 0 ] || printf '%s\n' "$stamp" >"$kept/passed"
}

ship() {
  local began number
  . "$home/settings" || exit 78
  mkdir -p "$work/packs"
  for number in "${!PLACE[@]}"; do mkdir -p "$work/${PLACE[number]}" "$home/state/${PLACE[number]}"; done
  while :; do
    began=$SECONDS
    : >"$work/errors"
    look
    mv "$work/errors" "$work/error"
    for number in "${!PLACE[@]}"; do
      kill -0 "${jobs[number]:-}" 2>/dev/null || { bring "$number" & jobs[number]=$!; }
    done
    sleep $((SECONDS - began < INTERVAL ? INTERVAL - SECONDS + began : 1)) &
    wait $!
  done
}

case "${1:-}" in
  identity) identity "$2" ;;
  ship) ship ;;
  *) echo "usage: agent.sh ship | identity LOG" >&2; exit 2 ;;
esac
