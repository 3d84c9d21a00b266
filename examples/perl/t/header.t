#!/usr/bin/perl
# What Pct::C declares is what the header does: a mistake there is a crash, not an exception.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";
use PctTest;
use Pct::C;
use Test::More;

my %TYPE = (
    'size_t'              => 'size_t',
    'int'                 => 'int',
    'uint32_t'            => 'uint32',
    'uint64_t'            => 'uint64',
    'void *'              => 'opaque',
    'const void *'        => 'opaque',
    'const pct_ctx *'     => 'opaque',
    'const pct_events *'  => 'opaque',
    'const char *'        => 'string',
    'const char *const *' => 'opaque',
    'const uint32_t *'    => 'uint32[]',
    'uint32_t *'          => 'uint32*',
    'uint64_t *'          => 'uint64*',
    'int *'               => 'int*',
    'bool *'              => 'bool*',
    'const char **'       => 'string*',
    # What is to be freed.
    'char **'       => 'opaque*',
    'pct_ctx **'    => 'opaque*',
    'pct_error **'  => 'opaque*',
    'pct_output **' => 'opaque*',
    'pct_events **' => 'opaque*',
);

# The name and type of "const char *root".
sub declared ($text) {
    return ($1, 'opaque') if $text =~ /\(\*(\w+)\)/;
    my ($type, $name) = $text =~ /^\s*(.*?) ?(\w+)\s*$/ or die "cannot read: $text\n";
    return ($name, $TYPE{$type} // "no type for $type");
}

my $path = "$FindBin::Bin/../../../include/pct.h";
plan skip_all => "$path is not there" unless -e $path;
open my $file, '<', $path or die "cannot read $path: $!\n";
my $header = join '', <$file>;
$header =~ s{/\*.*?\*/|\s+}{ }gs;

my %c_name = map { $_ => 'pct' . s/([A-Z])/'_' . lc $1/ger } keys %Pct::C::STRUCTS;
$TYPE{"const $c_name{$_} *"} = $_ for keys %c_name;

for my $struct (sort keys %c_name) {
    my ($members) = $header =~ /typedef struct $c_name{$struct} \{(.*?)\} $c_name{$struct};/;
    my @members = map { reverse declared($_) } grep { /\S/ } split /;(?![^(]*\))/, $members;
    is_deeply ['size_t', 'struct_size', $Pct::C::STRUCTS{$struct}->@*], \@members, $c_name{$struct};
}
for my $function (sort keys %Pct::C::PARAMETERS) {
    my ($parameters) = $header =~ /pct_status $function\((.*?)\);/;
    my @types = map { (declared($_))[1] } split /,/, $parameters;
    is_deeply [$Pct::C::PARAMETERS{$function}->@*, 'opaque*'], \@types, $function;
}
done_testing;
