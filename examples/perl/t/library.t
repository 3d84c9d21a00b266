#!/usr/bin/perl
# What needs no container and no root.

use v5.36;

use File::Path qw(make_path);
use File::Temp qw(tempdir);
use FindBin;
use lib "$FindBin::Bin/lib";
use PctTest;
use Sys::Syslog qw(LOG_WARNING);
use Test::More;

my $CONFIG = <<'END';
arch: amd64
hostname: old
memory: 256
ostype: alpine
rootfs: local:9001/vm-9001-disk-0.raw,size=1G

[pve:pending]
hostname: new

[one]
arch: amd64
hostname: snap
END

my $before = descriptors;

like Pct::version, qr/^\d+\.\d+\.\d+$/, 'a version';
ok Pct::has_feature('json'), 'a feature';
ok !Pct::has_feature('no such feature'), 'no feature';
is_deeply [$NODE->list], [], 'no containers';
is_deeply [$NODE->doctor($VMID)]->[0]{vmid}, $VMID, 'a number for the doctor';
is $NODE->free_vmid, 100, 'a free number';
my ($listed) = $NODE->list_of(9002);
like $listed->{error}, qr/does not exist/, 'one that is asked for';
is_deeply [$NODE->storages('vztmpl'), $NODE->templates('local')], ['local'], 'no templates';
is_deeply [$NODE->events->next(0.01)], [], 'nothing happens';
is Pct::config_schema->{properties}{memory}{type}, 'integer', 'a schema';

my $absent = $NODE->container($VMID);
my $error  = dies_as 'not-found', sub { $absent->status }, 'a container that is not there';
is $error->status, 202, 'the number of the error';
is $error->vmid, $VMID, 'whom it is about';
is $error->errno, undef, 'no errno';
like $error->message, qr/\Q$VMID.conf' does not exist\E$/, 'the message';
is "$error", $error->message . "\n", 'an error as a string';

dies_as 'parameter', sub { $NODE->container(99)->status }, 'a number that none has';
my $lost = Pct->new(root => $ROOT, helper => '/nonexistent/pct-helper');
$error = dies_as 'helper', sub { $lost->translate($CONFIG, 9001) }, 'no helper';
like $error, qr{/nonexistent/pct-helper}, 'which helper';
ok !eval { $absent->set({ hostname => "a\0b" }); 1 }, 'no NUL';
open my $text, '<', \'text' or die "cannot open a text: $!\n";
ok !eval { $absent->exec(['true'], stdin => $text); 1 }, 'no handle that is no file';
like $@, qr/no open file at \Q$0\E/, 'says why';
ok !eval { $absent->start(timout => 1); 1 }, 'no unknown option';
like $@, qr/unknown option 'timout' at \Q$0\E/, 'whose fault it is';

my $parsed = Pct::parse_config("${CONFIG}memmory: 1\n", 9001);
is $parsed->{config}{memory}, 256, 'a value';
my ($pending) = grep { $_->{key} eq 'hostname' } $parsed->{pending}->@*;
is $pending->{pending}, 'new', 'a pending value';
is $parsed->{snapshots}{one}{hostname}, 'snap', 'a snapshot';
my ($finding) = grep { ($_->{key} // '') eq 'memmory' } $parsed->{findings}->@*;
is $finding->{line}, 13, 'where the fault is';
like $finding->{help}, qr/memory/, 'what to do';

my ($lxc, $seccomp) = $NODE->translate($CONFIG, 9001);
like $lxc, qr/^lxc\.uts\.name = old$/m, 'a translation';
is $seccomp, undef, 'no seccomp profile';
is Pct::parse_config("hostname: h\x{f6}\x{2020}\n", 9001)->{config}{hostname}, "h\x{f6}\x{2020}", 'characters';

my @heard;
my $file = "arch: amd64\nnonsense: 1\nmore: 1\n";
eval { $NODE->translate($file, 9001, progress => sub (@event) { push @heard, \@event; die \@event }) };
is scalar @heard, 1, 'a callback that died is not called again';
is $heard[0][0], 'warning', 'what it heard';
is $@, $heard[0], 'what it died of comes out of the call';

my $folder = tempdir(CLEANUP => 1);
make_path("$folder/etc/pct/lxc");
open my $conf, '>', "$folder/etc/pct/lxc/9003.conf" or die "cannot write: $!\n";
print {$conf} "${CONFIG}nonsense: 1\n";
close $conf;
@heard = ();
my $log     = sub (@event) { push @heard, \@event; die \@event if @heard > 1 };
my $logging = Pct->new(root => $folder, log => $log);
is $logging->container(9003)->config->{memory}, 256, 'a file with a fault';
is $heard[0][0], LOG_WARNING, 'the log hears a warning';
like $heard[0][1], qr/nonsense/, 'about it';
ok !eval { $logging->container(9003)->config; 1 }, 'a log that dies';
is $@, $heard[1], 'what it died of comes out of the call';
is $logging->free_vmid, 100, 'and not out of the next one';

is descriptors, $before, 'no descriptor is left';
done_testing;
