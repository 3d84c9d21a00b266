#!/usr/bin/perl
# The script nightly on a real container.

use v5.36;

use File::Temp qw(tempdir);
use FindBin;
use lib "$FindBin::Bin/lib";
use PctTest;
use Test::More;

# What it prints, and its exit status.
sub nightly (@options) {
    my @command = ($^X, "$FindBin::Bin/../nightly", '--root', $ROOT, @options);
    push @command, '--helper', $HELPER if defined $HELPER;
    open my $output, '-|', @command or die "cannot run nightly: $!\n";
    my $text = join '', <$output>;
    close $output;
    return ($text, $? >> 8);
}

# Stands for the package manager of the guest, which has nothing to update from.
sub install ($ct, $end) {
    my $folder = tempdir(CLEANUP => 1);
    open my $file, '>', "$folder/apk" or die "cannot write: $!\n";
    print {$file} <<"END";
#!/bin/sh
until test -e /run/booted; do sleep 0.1; done
echo "apk \$*" >> /root/log
$end
END
    close $file;
    $ct->push("$folder/apk", '/usr/sbin/apk', mode => 0755);
}

sub file ($ct, $path) { return $ct->output(['cat', $path])->{stdout} }

my $ct       = new_container({ hostname => 'nightly', tags => 'web' }, start => 1);
my $complete = eval {
    install($ct, 'touch /run/reboot-required');
    is_deeply [nightly], ["$VMID nightly: updated, and rebooted\n", 0], 'one that runs';
    is file($ct, '/root/log'), "apk update\napk upgrade\n", 'was updated';
    is $ct->exec(['test', '-e', '/run/reboot-required']), 1, 'and rebooted';

    install($ct, 'echo "no network" >&2; exit 4');
    is_deeply [nightly], ["$VMID nightly: FAILED: exit status 4: no network\n", 1], 'a failure';
    ok $ct->is_running, 'it still runs';

    install($ct, '');
    $ct->stop;
    is_deeply [nightly], ["$VMID nightly: updated\n", 0], 'one that is stopped';
    ok !$ct->is_running, 'is stopped again';
    is_deeply [nightly('--skip', 'web')], ["$VMID nightly: left alone, has the tag web\n", 0], 'a tag';

    $ct->start;
    is scalar(() = file($ct, '/root/log') =~ /^apk upgrade$/mg), 2, 'how often it was updated in all';
    is_deeply [nightly('--timeout', 'soon')]->[1], 2, 'a wrong option';
    1;
};
my $error = $@;
$ct->destroy(force => 1);
is $error, '', 'all that was to be tried';
done_testing;
