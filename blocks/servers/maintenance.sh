#!/bin/bash
# Closes a server that another one takes over, opens it again, or leads its visitors on.
# Installed by blocks/servers/maintenance.py.
#   maintenance.sh close SECONDS SERVICE...  serve a page (standard input) and nothing else; a timer
#                                            opens again after so long: who closed may have died
#   maintenance.sh open                      undo; also what the timer runs
#   maintenance.sh keep                      no timer any more; fails unless still closed
#   maintenance.sh lead ADDRESS              pass ports 80 and 443 on to another machine
# $state/undo holds shell commands of others that undo what they did meanwhile.
set -euo pipefail
export LC_ALL=C
readonly state=/var/lib/continuity/maintenance web=/run/continuity-maintenance
readonly page_unit=maintenance-page timer=maintenance-over

serve_page() { # a copy of nginx's configuration in which every server answers 503 with our page
  local page
  rm -rf "$web"
  mkdir -p "$web/nginx"
  cp -rL /etc/nginx/. "$web/nginx/"
  page=$(sed "s/[\\\\']/\\\\&/g" "$state/page.html")
  cat >"$web/nginx/continuity-maintenance.conf" <<EOF
error_page 503 @continuity_maintenance;
location @continuity_maintenance {
  default_type text/html;
  charset utf-8;
  add_header Retry-After 30 always;
  add_header Cache-Control no-store always;
  return 503 '$page';
}
return 503;
EOF
  find "$web/nginx" -type f -print0 | WEB=$web xargs -0 perl -0pi -e '
    s#/etc/nginx/#$ENV{WEB}/nginx/#g;
    s#(^|[\s;}])server(\s*)\{#${1}server$2\{ include $ENV{WEB}/nginx/continuity-maintenance.conf;#g'
  nginx -q -t -c "$web/nginx/nginx.conf"
}

close() {
  local seconds=$1 service
  shift
  systemctl stop --quiet "$timer.timer" 2>/dev/null || true
  rm -f "$state/kept"
  if [ ! -e "$state/closed" ]; then
    rm -rf "$state"
    mkdir -p "$state"
    chmod 700 "$state"
    cat >"$state/page.html"
    for service; do
      if systemctl is-active --quiet "$service"; then printf '%s\n' "$service"; fi
    done >"$state/services"
    : >"$state/undo"
    sync "$state/services"
    : >"$state/closed"
  fi
  # Before anything stops: from here on it opens by itself.
  systemd-run --quiet --collect --unit="$timer" --on-active="$seconds" --timer-property=AccuracySec=1s \
    /bin/bash "$0" open
  if grep -qx nginx "$state/services" && ! systemctl is-active --quiet "$page_unit"; then
    serve_page
    systemctl stop nginx # it answers first what it was asked
    systemd-run --quiet --collect --unit="$page_unit" nginx -c "$web/nginx/nginx.conf" -g 'daemon off;'
  fi
  mapfile -t stopped <"$state/services"
  ((${#stopped[@]} == 0)) || systemctl stop "${stopped[@]}"
}

open() {
  [ -e "$state/closed" ] || exit 0
  if [ -e "$state/kept" ]; then
    echo "another machine has taken over: it stays closed" >&2
    exit 1
  fi
  stop_page
  /bin/bash -eu "$state/undo"
  mapfile -t stopped <"$state/services"
  # In the order in which they were given.
  ((${#stopped[@]} == 0)) || systemctl start "${stopped[@]}"
  rm -rf "$state"
  systemctl stop --quiet "$timer.timer" 2>/dev/null || true
}

stop_page() {
  systemctl stop --quiet "$page_unit" 2>/dev/null || true
  rm -rf "$web"
}

keep() {
  systemctl stop --quiet "$timer.timer" "$timer.service" 2>/dev/null || true
  if [ ! -e "$state/closed" ]; then
    echo "it is open: its time was over" >&2
    exit 1
  fi
  : >"$state/kept"
  sync "$state/kept"
}

lead() { # what listens there is stopped; a connection that comes in between waits for the socket
  local port proxy=/lib/systemd/systemd-socket-proxyd
  stop_page
  for port in 80 443; do
    systemctl is-active --quiet "lead-on-$port.socket" && continue
    systemd-run --quiet --unit="lead-on-$port" --socket-property="ListenStream=$port" \
      --socket-property=Backlog=1024 --property=PrivateTmp=yes "$proxy" "$1:$port"
  done
}

case "${1:-}" in
  close | open | keep | lead) "$@" ;;
  *) echo "usage: maintenance.sh close SECONDS SERVICE... | open | keep | lead ADDRESS" >&2; exit 2 ;;
esac
