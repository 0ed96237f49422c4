#!/bin/bash
# Gives this machine an address that its provider leads from one machine to another, or takes it away.
# Installed by blocks/servers/addresses.py.
#   address.sh up ADDRESS     have it, and tell the neighbours (gratuitous ARP)
#   address.sh down ADDRESS   have it no more
# On the loopback, whose addresses no manager of networks touches; Linux answers for it on every card.
set -euo pipefail
export LC_ALL=C

announce() { # ADDRESS: as a question and as an answer, for neighbours believe one or the other
  local card
  for card in /sys/class/net/*; do
    # Ethernet that is up; a bridge or a tunnel of containers is told for nothing.
    if [ "$(cat "$card/type")" != 1 ] || [ "$(cat "$card/operstate")" = down ]; then continue; fi
    perl -e '
      my ($address, $index, $card) = @ARGV;
      my $ip = pack("C4", split(/\./, $address));
      my $mac = pack("H12", $card =~ s/://gr);
      my $all = "\xff" x 6;
      socket(my $out, 17, 3, unpack("S", pack("n", 0x0806))) or die "socket: $!\n";  # AF_PACKET, SOCK_RAW
      my $to = pack("S n i S C C a8", 17, 0x0806, $index, 1, 0, 6, $all);
      for my $kind (1, 2, 1, 2) {
        my $arp = pack("n n C C n", 1, 0x0800, 6, 4, $kind) . $mac . $ip . ($kind == 1 ? "\0" x 6 : $all) . $ip;
        send($out, $all . $mac . pack("n", 0x0806) . $arp, 0, $to) or die "send: $!\n";
        select(undef, undef, undef, 0.05);
      }' "$1" "$(cat "$card/ifindex")" "$(cat "$card/address")" || echo "not announced on ${card##*/}" >&2
  done
}

case "${1:-}" in
  up)
    ip address replace "$2/32" dev lo
    announce "$2"
    ;;
  down)
    [ -z "$(ip -o address show dev lo to "$2/32")" ] || ip address delete "$2/32" dev lo
    ;;
  *) echo "usage: address.sh up|down ADDRESS" >&2; exit 2 ;;
esac
