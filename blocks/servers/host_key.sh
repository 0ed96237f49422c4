# Let this machine show another SSH host key than the one it was made with.
#   stage            make the new key beside the one in use, unless one is there; print its public half
#   install PUBLIC   put it in the place of the one in use; end when logins are shown it
set -euo pipefail
umask 077

public() { ssh-keygen -y -f "$1" 2>/dev/null </dev/null | cut -d ' ' -f 1,2; }

# The sshd that let us in, as it was started: a listener says so in its title.
listener='' sshd=(/usr/sbin/sshd) pid=$$
while [ "$pid" -gt 1 ]; do
  title=$(tr '\0' ' ' <"/proc/$pid/cmdline")
  if [[ $title =~ ^sshd:\ (.+)\ \[listener\] ]]; then
    listener=$pid
    read -ra sshd <<<"${BASH_REMATCH[1]}"
    break
  fi
  pid=$(sed -n 's/^PPid:\t//p' "/proc/$pid/status")
done

key='' others=()
while read -r path; do
  if [ -z "$key" ] && [[ $(public "$path") == ssh-ed25519\ * ]]; then key=$path; else others+=("$path"); fi
done < <("${sshd[@]}" -T | sed -n 's/^hostkey //p')
[ -n "$key" ] || { echo "sshd has no ed25519 host key" >&2; exit 1; }

if [ "$1" = stage ]; then
  if [ ! -e "$key.staged" ]; then
    rm -f "$key.new" "$key.new.pub"
    ssh-keygen -q -t ed25519 -N '' -C '' -f "$key.new"
    rm "$key.new.pub"
    sync "$key.new"
    mv -T "$key.new" "$key.staged"
  fi
  public "$key.staged"
  exit
fi

wanted=$2
[ ! -e "$key.staged" ] || [ "$(public "$key.staged")" != "$wanted" ] || mv -fT "$key.staged" "$key"
[ "$(public "$key")" = "$wanted" ] || exit 44
printf '%s\n' "$wanted" >"$key.pub.new"
chmod 644 "$key.pub.new"
mv -fT "$key.pub.new" "$key.pub"
# Whatever else the machine was made with, somebody may know.
for other in "${others[@]}"; do rm -f "$other" "$other.pub"; done
sync "$(dirname "$key")"

"${sshd[@]}" -t
# Running sessions live on in either case. Started by its socket, no sshd holds an old key.
if [ -n "$listener" ]; then kill -HUP "$listener"; else systemctl try-reload-or-restart ssh.service; fi
read -r _ _ address port <<<"$SSH_CONNECTION"
shown='' left=100
until [[ $shown == *" $wanted"* ]]; do
  [ $((left--)) -gt 0 ] || { echo "sshd still shows another host key: ${shown:-none}" >&2; exit 1; }
  [ "$left" -eq 99 ] || sleep 0.1
  shown=$(ssh-keyscan -T 5 -t ed25519 -p "$port" "$address" 2>/dev/null) || true
done

# The injected key is worth nothing any more; its copies go where cloud-init keeps them, but not
# before its last stage, which still reads them.
[ -d /var/lib/cloud/instances ] || exit 0
forget='rm -f /var/lib/cloud/instances/*/{user-data.txt,user-data.txt.i,cloud-config.txt}'
forget+=' /run/cloud-init/{instance-data-sensitive,combined-cloud-config}.json'
if [ -e /run/cloud-init/result.json ]; then
  bash -c "$forget" || true
else
  systemd-run --quiet --collect --unit=forget-injected-host-key -p RuntimeMaxSec=1800 \
    bash -c "until [ -e /run/cloud-init/result.json ]; do sleep 2; done; $forget" || true
fi
