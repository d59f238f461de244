#!/usr/bin/perl
# ratios.pl DIR ROUNDS LABEL SERVER...: two lines of pgbench.sh's table, throughput and p99 latency, from the files
# tps.SERVER and p99.SERVER in DIR: one number a run, the n-th of all are one round. The first server is the reference.
# After every ROUNDS rounds the servers began anew.
#
# A ratio says how fast a server is, compared with the other: that of throughputs, and that of latencies upside
# down. So 1.000 is no cost and less is slower, in both lines. Median of the rounds and its 95 % interval by bootstrap, of
# starts and of rounds among them: rounds of one start are no independent witnesses.
use strict;
use warnings;

my ($dir, $rounds, $label, @servers) = @ARGV;

sub numbers { open my $f, '<', "$dir/$_[0]" or die "$dir/$_[0]: $!\n"; map { $_ + 0 } <$f> }
sub median {
    my @s = sort { $a <=> $b } @_;
    my $n = @s;
    return $n % 2 ? $s[$n / 2] : ($s[$n / 2 - 1] + $s[$n / 2]) / 2;
}

sub interval {    # of the ratios: median, lower end, upper end
    my @r = @_;
    my @starts;
    push @{ $starts[$_ / $rounds] }, $r[$_] for 0 .. $#r;
    srand 1;
    my $again = sub {
        map { my $start = $starts[rand @starts]; map { $start->[rand @$start] } @$start } @starts;
    };
    my @m = sort { $a <=> $b } map { median($again->()) } 1 .. 5000;
    return (median(@r), $m[125], $m[4874]);
}

# The aim: the lower end is at least 0.99, and at least that of pg_stat_statements. An interval wider than +-1 %
# decides nothing unless it lies on one side.
sub verdict {
    my ($ours, $theirs, $direct) = @_;
    my ($low, $high) = @$ours[1, 2];
    return 'met' if $low >= 0.99 && (!$theirs || $low >= $theirs->[1]);
    return 'below 0.99' if $high < 0.99 && $low < 0.99 && !($theirs && $direct->[1] >= 1);
    return 'below 0.99, above pg_stat_statements' if $high < 0.99;
    return 'slower than pg_stat_statements' if $direct && $direct->[2] < 1;
    return 'noise: see instructions' if $high - $low > 0.02;
    return $low < 0.99 ? 'lower end below 0.99' : 'lower end below that of pg_stat_statements';
}

for my $what (qw(tps p99)) {
    my %of = map { $_ => [numbers("$what.$_")] } @servers;
    my $ratio = sub {
        my ($from, $to) = @_;
        my ($a, $b) = $what eq 'tps' ? ($of{$to}, $of{$from}) : ($of{$from}, $of{$to});
        return [interval(map { $a->[$_] / $b->[$_] } 0 .. $#$a)];
    };
    printf '%-27s %-6s %10.*f', $what eq 'tps' ? $label : '', $what eq 'tps' ? 'tps' : 'p99 ms',
        $what eq 'tps' ? 0 : 3, median(@{ $of{ $servers[0] } });
    my %over = map { $_ => $ratio->($servers[0], $_) } @servers[1 .. $#servers];
    my @columns = map { $over{$_} } @servers[1 .. $#servers];
    my $direct = $over{pg_assist} && $over{pg_stat_statements} ? $ratio->(qw(pg_stat_statements pg_assist)) : undef;
    push @columns, $direct if $direct;
    printf '  %.3f (%.3f .. %.3f)', @$_ for @columns;
    print '  ', verdict($over{pg_assist}, $over{pg_stat_statements}, $direct) if $over{pg_assist};
    print "\n";
}
