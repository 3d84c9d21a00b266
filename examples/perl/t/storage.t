#!/usr/bin/perl
# Storages, and what is made of a real container on them.

use v5.36;
use utf8;

use File::Temp qw(tempdir);
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
