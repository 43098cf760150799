namespace Simulation;

/// <summary>Small worlds, in which everything up to a bound is tried. <c>./test simulation --exhaustive --deviations 2</c> goes further (docs/simulation.md).</summary>
public sealed class ExhaustionTests(ITestOutputHelper log)
{
    [Fact]
    public async Task In_the_smallest_world_whatever_befalls_one_write_and_whoever_falls_behind_once_what_must_hold_holds()
    {
        var output = new StringWriter();
        var exhaustion = new Exhaustion(output);
        await exhaustion.ExhaustAsync(SmallWorld.All[0], deviations: 1);
        log.WriteLine(output.ToString());
        Assert.True(exhaustion.Violations == 0, output.ToString());

        // Each of 13 writes, in two lines, with each mishap; and some orders beside.
        Assert.True(exhaustion.Runs > 600, output.ToString());
    }
}
