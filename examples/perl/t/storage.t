#!/usr/bin/perl
# Storages, and what is made of a real container on them.

use v5.36;
use utf8;

use File::Temp qw(tempdir tempfile);
use FindBin;
use lib "$FindBin::Bin/lib";
use PctTest;
use Test::More;

plan skip_all => 'PCT_TEST_BTRFS names no folder' unless $ENV{PCT_TEST_BTRFS};

my $before = descriptors;

sub status_of ($storage) {
    my ($status) = grep { $_->{storage} eq $storage } $NODE->storage_status;
    return $status;
}

my $folder = tempdir(CLEANUP => 1);
$NODE->add_storage('dir', 'extra', { path => $folder, content => 'vztmpl' });
dies_as 'exists', sub { $NODE->add_storage('dir', 'extra', { path => $folder }) }, 'a storage that is there';
is status_of('extra')->{content}, 'vztmpl', 'its content';
cmp_ok status_of('extra')->{avail}, '>', 0, 'its room';
$NODE->set_storage('extra', { disable => 1 }, delete => ['content']);
is status_of('extra')->{enabled}, 0, 'it is switched off';
isnt status_of('extra')->{content}, 'vztmpl', 'an option is deleted';
my $wrong = dies_as 'parameter', sub { $NODE->set_storage('extra', { colour => 'red' }) }, 'a wrong option';
like $wrong, qr/'colour'/, 'which option';
$NODE->remove_storage('extra');
dies_as 'not-found', sub { $NODE->remove_storage('extra') }, 'a storage that is gone';

my $volume = $NODE->allocate_volume('local', $VMID, 4096, format => 'raw');
is_deeply [$NODE->storage_contents('local', vmid => $VMID)],
    [{ volid => $volume, format => 'raw', content => 'images', size => 4096, vmid => $VMID }], 'a volume';
is_deeply [$NODE->storage_contents('local', content => 'vztmpl')], [], 'no templates';
is -s $NODE->volume_path($volume), 4096, 'where it is';

sub content ($path) {
    open my $file, '<:raw', $path or die "cannot read $path: $!\n";
    return join '', <$file>;
}

my $other  = $volume =~ s/disk-\d+/disk-7/r;
my $stream = tempfile();
open my $image, '+<:raw', $NODE->volume_path($volume) or die "cannot write $volume: $!\n";
print $image 'here';
close $image or die "cannot write $volume: $!\n";
dies_as 'parameter', sub { $NODE->export_volume($volume, 'qcow2+size', $stream) }, 'no format';
dies_as 'parameter', sub { $NODE->export_volume($volume, 'raw+size', $stream, base => 'one') },
    'no part of an image';
print $stream 'in front ';
my @told;
$NODE->export_volume($volume, 'raw+size', $stream, progress => sub (@event) { push @told, [@event] });
is_deeply $told[-1], ['bytes', 4104, 4104], 'how far it is';
is sysseek($stream, 0, 1), 9 + 4104, 'a stream, behind what was printed before';
seek $stream, 9, 0;
is $NODE->import_volume($other, 'raw+size', $stream), $other, 'a volume of a stream';
is content($NODE->volume_path($other)), content($NODE->volume_path($volume)), 'with the same content';
seek $stream, 9, 0;
dies_as 'exists', sub { $NODE->import_volume($other, 'raw+size', $stream) }, 'a volume that is there';
seek $stream, 9, 0;
my $renamed = $NODE->import_volume($other, 'raw+size', $stream, allow_rename => 1);
like $renamed, qr/vm-$VMID-disk-\d+\.raw$/, 'another name';
isnt $renamed, $other, 'a free one';
$NODE->remove_volume($_) for $renamed, $other;
truncate $stream, 1000;
seek $stream, 9, 0;
my $short = dies_as 'system', sub { $NODE->import_volume($other, 'raw+size', $stream) }, 'a stream that ends';
like $short, qr/it ends after 983 of 4096 bytes/, 'how much of it there was';
seek $stream, 9, 0;
eval { $NODE->import_volume($other, 'raw+size', $stream, progress => sub { die "enough\n" }) };
is $@, "enough\n", 'what a callback died of comes out of an import';
dies_as 'not-found', sub { $NODE->volume_path($other) }, 'no volume is left of it';
open my $memory, '>', \my $text or die "cannot write to a variable: $!\n";
eval { $NODE->export_volume($volume, 'raw+size', $memory) };
like $@, qr/no open file at \Q$0\E/, 'a handle without a file';
close $_ for $memory, $stream;

$NODE->remove_volume($volume);
dies_as 'not-found', sub { $NODE->volume_path($volume) }, 'it is gone';

$NODE->add_storage('btrfs', 'fast', { path => $ENV{PCT_TEST_BTRFS}, content => 'rootdir' });
my $ct = new_container({ hostname => 'origin', rootfs => 'fast:0' });
my $clone;

# From here on whatever happens: the containers go.
my $complete = eval {
    $ct->snapshot('before', description => 'naïve');
    dies_as 'exists', sub { $ct->snapshot('before') }, 'a snapshot that is there';
    $ct->set({ hostname => 'changed' });
    $ct->snapshot('after');
    is_deeply [map { [@$_{qw(name parent)}] } $ct->snapshots],
        [['before', undef], ['after', 'before'], ['current', 'after']], 'the tree of snapshots';
    is + ($ct->snapshots)[0]{description}, "naïve\n", 'its description';
    is_deeply [$ct->repair], [], 'nothing was left of an operation';
    $ct->set({ lock => 'backup' });
    is + ($ct->repair(dry_run => 1))[0]{outcome}, 'yours', 'a lock that nobody has left a record of';
    $ct->unlock;

    my ($rootfs) = $ct->config->{rootfs} =~ /^([^,]+)/;
    my $arrived = $rootfs =~ s/$VMID/$ENV{PCT_TEST_CLONE}/gr;
    my ($first, $second) = map { scalar tempfile() } 1 .. 2;
    dies_as 'parameter', sub { $NODE->export_volume($rootfs, 'btrfs', $first) }, 'a stream of no snapshot';
    $NODE->export_volume($rootfs, 'btrfs', $first, snapshot => 'before');
    $NODE->export_volume($rootfs, 'btrfs', $second, snapshot => 'after', base => 'before', with_snapshots => 1);
    cmp_ok -s $second, '<', -s $first, 'only what has changed';
    seek $_, 0, 0 for $first, $second;
    is $NODE->import_volume($arrived, 'btrfs', $first), $arrived, 'a snapshot on another volume';
    $NODE->import_volume($arrived, 'btrfs', $second,
        snapshot => 'after', base => 'before', delete_snapshot => 'before');
    ok -d $NODE->volume_path($arrived) . '/bin', 'with its files';
    $NODE->remove_volume($arrived);

    $ct->delete_snapshot('after');
    $ct->rollback('before', start => 1);
    ok $ct->is_running, 'it was started';
    is $ct->config->{hostname}, 'origin', 'and is as before';

    my $progress = sub ($event, @values) { die "enough\n" if $event eq 'bytes' && $values[0] > 0 };
    my %copy     = (full => 1, snapshot => 'before', storage => 'local');
    eval { $ct->clone($ENV{PCT_TEST_CLONE}, %copy, bwlimit => 256, progress => $progress) };
    is $@, "enough\n", 'what a callback died of comes out of a clone';
    is_deeply [$NODE->storage_contents('local', vmid => $ENV{PCT_TEST_CLONE})], [], 'which leaves nothing';
    $clone = $ct->clone($ENV{PCT_TEST_CLONE}, %copy, hostname => 'clone', description => 'größer');
    is $clone->config->{hostname}, 'clone', 'a clone';
    like $clone->config->{description}, qr/größer/, 'its description';
    like $clone->config->{rootfs}, qr/^local:/, 'where it is';

    $ct->set({ mp0 => 'fast:0.02,mp=/data' });
    dies_as 'running', sub { $ct->move_volume('mp0', 'local') }, 'a volume in use';
    $ct->stop;
    $ct->move_volume('mp0', 'local', delete => 1);
    is_deeply [map { $_->{mp} } $ct->df], ['rootfs', 'mp0'], 'its volumes';
    ok -d $ct->mount . '/bin', 'they are mounted';
    dies_as 'locked', sub { $ct->fstrim }, 'which keeps others away';
    $ct->unmount;
    cmp_ok $ct->fstrim, '>', 0, 'what was not used';
    dies_as 'parameter', sub { $ct->resize('mp0', 'much') }, 'no size';
    $ct->reassign_volume('mp0', $clone, target_key => 'mp1');
    like $clone->config->{mp1}, qr/^local:/, 'a volume of another container';
    ok !exists $ct->config->{mp0}, 'is no longer here';
    $clone->start;
    dies_as 'running', sub { $clone->fsck('mp1', force => 1) }, 'no check of what is in use';
    $clone->destroy(force => 1);

    dies_as 'unsupported', sub { $ct->clone($clone->vmid, full => 0) }, 'a linked clone needs a template';
    $ct->delete_snapshot('before');
    $ct->template;
    dies_as 'refused', sub { $ct->start }, 'a template is not started';
    $ct->clone($clone->vmid);
    like $clone->config->{rootfs}, qr/^fast:/, 'but has clones';
    1;
};
my $error = $@;
for my $container ($NODE->containers) { $container->destroy(force => 1) }
is $error, '', 'all that was to be tried';
is_deeply [$NODE->storage_contents('fast')], [], 'nothing is left';
$NODE->remove_storage('fast');
is descriptors, $before, 'no descriptor is left';
done_testing;
