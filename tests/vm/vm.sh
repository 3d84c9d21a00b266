#!/bin/sh
# A virtual machine for tests:
#
#     vm.sh up <folder> <share>        boot, or go on from the saved state
#     vm.sh ssh <folder> <command>     run a command in it
#     vm.sh reboot <folder> <share>    as its administrator would
#     vm.sh down <folder>              end it; nothing of this run is kept
#
# The folder is one that image.sh has made; console.log in it has what the
# machine says. The share is a folder of this machine that the other one sees
# at the same path; what it writes there it alone sees.
set -eu

verb=${1:?usage: vm.sh up|ssh|reboot|down FOLDER ...}
folder=$(cd "${2:?usage: vm.sh $verb FOLDER ...}" && pwd)
shift 2
# Boots take half a minute to two, without hardware that helps, and several
# times that beside other work. This only ends a machine that hangs.
patience=1200

in_machine() {
	port=$(cat "$folder/port")
	ssh -q -i "$folder/key" -p "$port" -o BatchMode=yes -o StrictHostKeyChecking=no \
		-o UserKnownHostsFile=/dev/null -o ConnectTimeout=5 -o LogLevel=ERROR root@127.0.0.1 "$@"
}

# A command of QEMU's monitor, and its answer.
monitor() {
	python3 - "$folder/monitor" "$1" <<'PYTHON'
import socket, sys
line = socket.socket(socket.AF_UNIX)
line.settimeout(120)
line.connect(sys.argv[1])
def until_prompt():
    text = b""
    while not text.endswith(b"(qemu) "):
        part = line.recv(4096)
        if not part:
            break
        text += part
    return text.decode(errors="replace")
until_prompt()
line.sendall(sys.argv[2].encode() + b"\n")
print(until_prompt())
PYTHON
}

alive() {
	pid=$(cat "$folder/pid" 2>/dev/null) && kill -0 "$pid" 2>/dev/null
}

wait_for_ssh() {
	end=$(($(date +%s) + patience))
	until in_machine true 2>/dev/null; do
		if ! alive || [ "$(date +%s)" -gt "$end" ]; then
			echo "vm.sh: the machine does not come up; its last words:" >&2
			tail -n 30 "$folder/console.log" >&2
			return 1
		fi
		sleep 1
	done
}

# The same arguments each time: the saved state fits no other machine. Debian
# 13 falls over with two processors in QEMU 7 (code that is patched while it
# runs).
boot() {
	port=$((20000 + $$ % 20000))
	echo "$port" >"$folder/port"
	rm -f "$folder/monitor" "$folder/pid"
	qemu-system-x86_64 -M q35 -accel tcg,thread=multi -cpu max -smp 1 -m 2048 \
		-kernel "$folder/vmlinuz" -initrd "$folder/initrd" \
		-append 'root=LABEL=root rw console=ttyS0 panic=-1 modprobe.blacklist=kvm_amd,kvm,powernow_k8' \
		-drive "file=$folder/run.qcow2,if=virtio,cache=unsafe" \
		-nic "user,model=virtio-net-pci,hostfwd=tcp:127.0.0.1:$port-:22" \
		-virtfs "local,path=$1,mount_tag=share,security_model=none,readonly=on" \
		-display none -serial "file:$folder/console.log" -no-reboot \
		-monitor "unix:$folder/monitor,server,nowait" -pidfile "$folder/pid" -daemonize $2
}

# The share at its path, over which what is written there lies in memory. The
# clock of a saved state stands where it was saved.
share_in() {
	in_machine "set -e
		date -s @$(date +%s) >/dev/null
		mkdir -p '$share' /run/share /run/own
		mount -t 9p -o trans=virtio,version=9p2000.L,ro,msize=262144,cache=loose share /run/share
		mount -t tmpfs tmpfs /run/own
		mkdir /run/own/upper /run/own/work
		mount -t overlay -o lowerdir=/run/share,upperdir=/run/own/upper,workdir=/run/own/work overlay '$share'"
}

case $verb in
up | reboot)
	share=$(cd "${1:?usage: vm.sh $verb FOLDER SHARE}" && pwd)
	;;
esac
case $verb in
up)
	if [ ! "$folder/ready.qcow2" -nt "$folder/disk.raw" ]; then
		qemu-img create -q -f qcow2 -F raw -b "$folder/disk.raw" "$folder/run.qcow2"
		boot "$share" ''
		wait_for_ssh
		in_machine 'systemctl is-system-running --wait >/dev/null || true'
		# The state without a share: a mounted one cannot be saved.
		monitor 'savevm ready' >/dev/null
		monitor quit >/dev/null || true
		while alive; do sleep 0.2; done
		mv "$folder/run.qcow2" "$folder/ready.qcow2"
	fi
	cp --reflink=auto "$folder/ready.qcow2" "$folder/run.qcow2"
	boot "$share" '-loadvm ready'
	wait_for_ssh
	share_in
	;;
reboot)
	in_machine 'systemctl reboot' || true
	end=$(($(date +%s) + patience))
	while alive; do
		if [ "$(date +%s)" -gt "$end" ]; then
			echo 'vm.sh: the machine does not go down; its last words:' >&2
			tail -n 30 "$folder/console.log" >&2
			exit 1
		fi
		sleep 1
	done
	boot "$share" ''
	wait_for_ssh
	share_in
	;;
ssh)
	in_machine "$@"
	;;
down)
	if alive; then
		kill "$(cat "$folder/pid")"
		while alive; do sleep 0.2; done
	fi
	rm -f "$folder/run.qcow2" "$folder/monitor" "$folder/pid" "$folder/port"
	;;
*)
	echo "vm.sh: no such verb: $verb" >&2
	exit 2
	;;
esac
