namespace Simulation;

/// <summary>A run of fixed length over scenarios of every kind. A failure tells the smallest story that fails; <c>./test simulation --seed N</c> tells one again.</summary>
public sealed class ExplorationTests
{
    /// <summary>More for a longer campaign.</summary>
    internal static readonly int Seeds = int.TryParse(Environment.GetEnvironmentVariable("KUBEMPI_SIMULATION_SEEDS"), out var seeds) ? seeds : Exploration.OrdinarySeeds;

    [Fact]
    public async Task Whatever_goes_wrong_what_must_hold_holds()
    {
        var output = new StringWriter();
        var exploration = new Exploration(output);
        await exploration.ExploreAsync(1, Seeds);
        Assert.True(exploration.Violations == 0, output.ToString());

        // Each form of a mishap has been met, or this would prove nothing of it.
        Assert.True(exploration.Coverage.Mishaps.Count >= 30, string.Join(", ", exploration.Coverage.Mishaps));
        Assert.True(exploration.Coverage.Actions.Count >= 30, string.Join(", ", exploration.Coverage.Actions));
    }

    public static TheoryData<string> Named => [.. NamedScenario.All.Select(static n => n.Name)];

    [Theory]
    [MemberData(nameof(Named))]
    public async Task What_must_hold_holds_where_the_first_seeds_do_not_come(string name)
    {
        var scenario = NamedScenario.All.Single(n => n.Name == name).Scenario;
        var output = new StringWriter();
        var exploration = new Exploration(output);
        await exploration.PlayAsync(scenario);
        Assert.True(exploration.Violations == 0, output.ToString());
        Assert.Equal(scenario.Mishaps.Select(static m => m.Kind).Distinct().Order(StringComparer.Ordinal), exploration.Coverage.Mishaps);
    }

    /// <summary>Seeds that once went wrong, beyond those that are always played.</summary>
    [Theory]
    [InlineData(196)] // a version that tells of restarts, whose checker did not know that the job runs once more after one
    [InlineData(1040)] // a worker that ends well and starts again in its pod, whose ends the checker of retries did not see
    [InlineData(244)] // a worker had ended well before the launcher that the Job made anew could reach it
    [InlineData(1235)] // pods that are indexes of one Job, whose parts the view forgot while the spec was spoilt
    [InlineData(1499)] // a job that was over before its pods' addresses were seen, which nobody needs then
    [InlineData(100584)] // a stranger's pod under the name of a worker of a StatefulSet, which nobody told of
    [InlineData(2930)] // the same, and free after a while: our StatefulSet controller did not try again
    [InlineData(100488)] // a worker that a user deleted, seen as it ended by the signal: that was counted as its own failure
    [InlineData(2504)] // kube-batch: an event lost, and the Job's end with it, so the counters of before the end stayed
    [InlineData(13604)] // a gang whose pods went at its deadline was said to wait for a place
    [InlineData(36264)] // workers that ended with a deadline counted as launchers that failed, each with a write of its own
    [InlineData(38891)] // a job deleted in the middle of a pass, whose group was made once more: the checker of gangs held that against it
    [InlineData(40019)] // an operator that died late, whose successor began to lead after the world was held to be at rest
    [InlineData(13106)] // a launcher's Job that was deleted before its uid was recorded, and made once more in the same attempt
    [InlineData(21809)] // a launcher's pod that a user deleted was told to go before it failed, and the checker of retries did not count it
    [InlineData(50328)] // a worker had ended when its job was suspended, and nobody was there to take it away: the launcher was never resumed
    [InlineData(201107)] // a loss that spent the deadline: the launcher's Job was taken for replaced, and never got its lifetime
    public async Task What_once_went_wrong_holds(int seed)
    {
        var output = new StringWriter();
        var exploration = new Exploration(output);
        await exploration.ExploreAsync(seed, 1);
        Assert.True(exploration.Violations == 0, output.ToString());
    }

    [Fact]
    public async Task The_same_seed_is_the_same_run_to_the_last_byte_and_another_seed_another()
    {
        foreach (var seed in (int[])[3, 14, 15])
        {
            var (first, second) = (new Storyteller(), new Storyteller());
            var once = await Trial.PlayAsync(Scenario.Draw(seed), story: first);
            var again = await Trial.PlayAsync(Scenario.Draw(seed), story: second);
            Assert.Equal(first.Lines, second.Lines);
            Assert.Equal(once, again);
            Assert.NotEqual(once.Trace, (await Trial.PlayAsync(Scenario.Draw(seed + 100))).Trace);
        }
    }
}
