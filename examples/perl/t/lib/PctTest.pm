package PctTest;

# What the tests work on. Variables say it, so that nothing of this host is touched by chance:
#
# PCT_TEST_ROOT      an absolute path that prefixes those of the library
# PCT_TEST_HELPER    the program pct-helper, if it is not the installed one
# PCT_TEST_VMID      the number of a container that is not there
# PCT_TEST_CLONE     another such number
# PCT_TEST_BTRFS     a folder on a btrfs; without it nothing is tried that needs one
# PCT_TEST_TEMPLATE  a template to make it from; without it no container is made

use v5.36;

use Exporter qw(import);
use File::Temp qw(tempdir);
use Pct;
use Test::More;

our @EXPORT = qw(descriptors dies_as $HELPER new_container $NODE $ROOT $VMID);

$SIG{__WARN__} = sub { die @_ };

our $ROOT   = $ENV{PCT_TEST_ROOT} // tempdir(CLEANUP => 1);
our $HELPER = $ENV{PCT_TEST_HELPER};
our $VMID   = $ENV{PCT_TEST_VMID} // 9001;
our $NODE   = Pct->new(root => $ROOT, helper => $HELPER);

# The container, made from the template; the test must destroy it.
sub new_container ($config, @options) {
    plan skip_all => 'PCT_TEST_TEMPLATE names no template' unless $ENV{PCT_TEST_TEMPLATE};
    my $container = $NODE->container($VMID);
    $container->create($ENV{PCT_TEST_TEMPLATE}, { rootfs => 'local:0', %$config }, @options);
    return $container;
}

# The error of a kind, that the code must die of.
sub dies_as ($kind, $code, $name) {
    my $lived = eval { $code->(); 1 };
    my $error = $@;
    my $found = $lived ? 'none' : ref $error && $error->isa('Pct::Error') ? $error->kind : "died: $error";
    is $found, $kind, $name;
    return $error;
}

# The open files of this process.
sub descriptors () {
    opendir my $folder, '/proc/self/fd' or die "cannot read /proc/self/fd: $!\n";
    return join ' ', sort { $a <=> $b } grep { /\d/ } readdir $folder;
}

1;
