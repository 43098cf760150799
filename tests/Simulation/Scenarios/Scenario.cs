using System.Collections.Immutable;
using System.Globalization;
using Kube.Testing;
using Mpi.Model;

namespace Simulation;

/// <summary>
/// A world with one job in it, and what befalls both. <see cref="Draw"/> makes one from a seed alone; the same seed decides the order of
/// every step of its run. Small enough to be told in a few lines, and each part can be left out to find the ones that matter.
/// </summary>
internal sealed partial record Scenario(int Seed)
{
    public required Subject Subject { get; init; }

    /// <summary>As an annotation; null leaves the dialect's default.</summary>
    public string? Transport { get; init; }

    public string? Origin { get; init; }
    public int Workers { get; init; } = 2;
    public CleanPodPolicy Cleanup { get; init; } = CleanPodPolicy.Running;
    public int? BackoffLimit { get; init; }
    public int? Ttl { get; init; }

    /// <summary>Seconds that the job may be active.</summary>
    public int? Deadline { get; init; }

    public bool WaitsForWorkers { get; init; }
    public bool RunsRanks { get; init; }
    public bool RestartsInPlace { get; init; }
    public bool Elastic { get; init; }
    public bool Gang { get; init; }

    /// <summary>In its pods run the agent's own roles; else these pretend.</summary>
    public bool Agents { get; init; }

    /// <summary>Operators that share the lease: 0 is one that needs none.</summary>
    public int Candidates { get; init; }

    public ImmutableArray<Mishap> Mishaps { get; init; } = [];

    /// <summary>The end must be the one that it would have been without any mishap; a deadline makes an end of what was only late.</summary>
    public bool EndsAlike => Deadline is null && Mishaps.All(static m => m.IsTrafficOnly);

    public static Scenario Draw(int seed)
    {
        var random = new Random(seed);
        T One<T>(params ReadOnlySpan<T> of) => of[random.Next(of.Length)];
        bool Seldom() => random.Next(4) == 0;

        var subject = One<Subject>([Subject.All[0], .. Subject.All]);
        var kubeflow = subject == Subject.All[0];
        var scenario = new Scenario(seed)
        {
            Subject = subject,
            Transport = One<string?>([null, .. subject.Transports]),
            Origin = subject.Origins[random.Next(subject.Origins.Length)],
            Workers = random.Next(1, 4),
            Cleanup = One(CleanPodPolicy.None, CleanPodPolicy.Running, CleanPodPolicy.All),
            BackoffLimit = One<int?>(null, 0, 1, 2),
            Ttl = Seldom() && kubeflow ? 30 : null,
            WaitsForWorkers = Seldom() && kubeflow,
            RunsRanks = Seldom() && kubeflow,
            RestartsInPlace = Seldom() && kubeflow,
            Elastic = Seldom() && kubeflow,
            Gang = Seldom() && kubeflow,
            Candidates = One(0, 0, 0, 1, 2),
            // From a source of its own, so that the seeds from before there were deadlines tell the same stories.
            Deadline = new Random(seed ^ 0x5EED) is var apart && apart.Next(6) == 0 && subject.HasDeadlines ? apart.Next(5, 45) : null,
        };
        return scenario with { Mishaps = [.. Befalls(scenario, random)] };
    }

    /// <summary>A kind of story, and what goes with it.</summary>
    private static IEnumerable<Mishap> Befalls(Scenario scenario, Random random) => random.Next(20) switch
    {
        0 => [],
        < 8 => Several(1, 4, random, () => Traffic(scenario, random)),
        < 13 => [.. Several(1, 3, random, () => World(scenario, random)), .. Several(0, 2, random, () => Traffic(scenario, random))],
        _ => [.. Deeds(scenario, random), .. Several(0, 2, random, () => Traffic(scenario, random)), .. Several(0, 1, random, () => World(scenario, random))],
    };

    private static IEnumerable<Mishap> Several(int least, int most, Random random, Func<Mishap> draw) => Enumerable.Range(0, random.Next(least, most + 1)).Select(_ => draw()).ToList();

    private static Mishap Traffic(Scenario scenario, Random random)
    {
        var write = random.Next(1, scenario.Workers + 16);
        string[] watched = [scenario.Subject.Kind.Plural, "pods", "jobs", "services"];
        return random.Next(scenario.Candidates > 0 ? 9 : 8) switch
        {
            0 => new Mishap.CrashBefore(write),
            1 => new Mishap.CrashAfter(write),
            2 or 3 => new Mishap.WriteFails(write, (Trouble)random.Next((int)Trouble.Outdated)),
            4 => new Mishap.ReadFails(random.Next(1, 45), (Trouble)random.Next((int)Trouble.Outdated + 1)),
            5 => new Mishap.ReadFails(random.Next(20, 45), Trouble.Outdated),
            < 8 => new Mishap.EventFails(watched[random.Next(watched.Length)], random.Next(1, 30), random.Next(scenario.Candidates > 0 ? 1 : 0, 4) switch
            {
                // Worse than a real server behaves: only the next list of all, up to an hour later, makes it good.
                0 => new WatchFault.Drop(),
                1 => new WatchFault.Duplicate(),
                2 => new WatchFault.Delay(TimeSpan.FromSeconds(random.Next(1, 60))),
                _ => new WatchFault.Cut(),
            }),
            _ => new Mishap.LeaseOutOfReach(random.Next(0, 30), random.Next(5, 30)),
        };
    }

    private static Mishap World(Scenario scenario, Random random) => random.Next(6) switch
    {
        0 => new Mishap.NodeDies(random.Next(2, 30), random.Next(2)),
        1 => new Mishap.ClockJumps(random.Next(0, 30), random.Next(-300, 300)),
        2 => new Mishap.PodMeets(true, random.Next(1, 3), (Fate)random.Next(scenario is { Transport: "agent", Agents: false } ? 8 : 7), random.Next(0, 20)),
        _ => new Mishap.PodMeets(false, random.Next(1, scenario.Workers + 2), (Fate)random.Next(7), random.Next(0, 25)),
    };

    private static IEnumerable<Mishap> Deeds(Scenario scenario, Random random)
    {
        int Time() => random.Next(0, 35);
        Mishap Does(Deed deed) => random.Next(2) == 0 ? new Mishap.UserDoes(deed, random.Next(1, scenario.Workers + 14), 0) : new Mishap.UserDoes(deed, 0, Time());
        Mishap Later(Deed deed) => new Mishap.UserDoes(deed, 0, random.Next(20, 80));
        return random.Next(9) switch
        {
            0 => random.Next(3) == 0 ? [Does(new Deed.Suspends())] : [Does(new Deed.Suspends()), Later(new Deed.Resumes())],
            1 => [Does(new Deed.Suspends()), Later(new Deed.Resumes()), Later(new Deed.Suspends())],
            2 => [Does(new Deed.Scales(random.Next(1, 5)))],
            3 => [Does(new Deed.Scales(random.Next(1, 5))), Later(new Deed.Scales(scenario.Workers))],
            4 => random.Next(2) == 0 ? [Does(new Deed.SpoilsTheSpec())] : [Does(new Deed.SpoilsTheSpec()), Later(new Deed.MendsTheSpec())],
            5 => random.Next(2) == 0 ? [Does(new Deed.DeletesTheJob())] : [Does(new Deed.DeletesTheJob()), Later(new Deed.MakesTheJobAnew())],
            6 => [Does(new Deed.DeletesAPod(random.Next(3) == 0, random.Next(2) == 0))],
            7 => [Does(random.Next(3) switch { 0 => new Deed.DeletesTheLauncherJob(), 1 => new Deed.DeletesTheService(), _ => new Deed.LabelsThePods() })],
            _ => [new Mishap.NameIsTaken((TakenName)random.Next(5), random.Next(3) == 0 ? null : random.Next(5, 60))],
        };
    }

    /// <summary>For people: the world, then a line a mishap.</summary>
    public IEnumerable<string> Tell()
    {
        string?[] more =
        [
            Transport is { } transport ? $"transport {transport}" : null, Origin is { } origin ? $"written as {origin}" : null,
            BackoffLimit is { } limit ? $"backoffLimit {limit}" : null, Ttl is { } ttl ? $"ttl {ttl} s" : null, Deadline is { } deadline ? $"activeDeadlineSeconds {deadline}" : null, WaitsForWorkers ? "WaitForWorkersReady" : null,
            RunsRanks ? "launcher runs ranks" : null, RestartsInPlace ? "restartPolicy OnFailure" : null, Elastic ? "lost workers are replaced" : null, Gang ? "gang" : null, Agents ? "real agents" : null,
            Candidates > 0 ? $"{Candidates} operators with a lease" : null,
        ];
        yield return string.Create(CultureInfo.InvariantCulture, $"seed {Seed}: {Subject.Kind.ApiVersion} {Subject.Kind.Kind}, {Workers} workers, cleanPodPolicy {Cleanup}{string.Concat(more.OfType<string>().Select(static m => ", " + m))}");
        foreach (var mishap in Mishaps) yield return $"  {mishap}";
    }

    public override string ToString() => string.Join(Environment.NewLine, Tell());
}
