using Mpi.Model;

namespace Simulation;

/// <content>Worlds in whose pods the agent's own roles run.</content>
internal sealed partial record Scenario
{
    /// <summary>One with what may befall its network besides all else. A seed is the same world over each transport that its job's dialect has.</summary>
    public static Scenario DrawWithAgents(int seed, string transport = "agent")
    {
        var random = new Random(seed);
        bool Seldom() => random.Next(4) == 0;

        var drawn = One<Subject>(random, [Subject.All[0], Subject.All[0], .. Subject.All]);
        var subject = drawn.Transports.Contains(transport) ? drawn : Subject.All[0];
        var kubeflow = subject == Subject.All[0];
        var scenario = new Scenario(seed)
        {
            Agents = true,
            Subject = subject,
            Transport = transport,
            Workers = random.Next(1, 5),
            Cleanup = One(random, CleanPodPolicy.None, CleanPodPolicy.Running, CleanPodPolicy.All),
            BackoffLimit = One<int?>(random, null, 0, 1, 2),
            Ttl = Seldom() && kubeflow ? 30 : null,
            WaitsForWorkers = Seldom() && kubeflow,
            RunsRanks = Seldom() && kubeflow,
            RestartsInPlace = Seldom() && kubeflow,
            Elastic = Seldom() && kubeflow,
            Candidates = One(random, 0, 0, 0, 1, 2),
        };
        return scenario with { Mishaps = [.. Several(0, 3, random, () => Network(random)), .. random.Next(2) == 0 ? Befalls(scenario, random) : [], .. Several(0, 1, random, () => Misfortune(scenario, random))] };
    }

    /// <summary>Of a worker, at a time at which most of them are at work.</summary>
    private static Mishap Misfortune(Scenario scenario, Random random) => new Mishap.PodMeets(false, random.Next(1, scenario.Workers + 2), One(random, Fate.Eviction, Fate.Preemption, Fate.OutOfMemory, Fate.AnOwnFailure), random.Next(3, 40));

    private static T One<T>(Random random, params ReadOnlySpan<T> of) => of[random.Next(of.Length)];

    private static Mishap Network(Random random) => random.Next(10) switch
    {
        0 => new Mishap.NetworkIsSlow(),
        1 => new Mishap.NamesAreLate(random.Next(5, 60)),
        2 => new Mishap.ServicesAreDead(),
        3 => new Mishap.StrangersKnock(random.Next(0, 40)),
        4 or 5 => new Mishap.NodeIsCutOff(random.Next(2, 40), random.Next(3), random.Next(1, 90)),
        6 => new Mishap.NodeComesBack(random.Next(2, 40), random.Next(3), random.Next(1, 60)),
        7 => new Mishap.NodeDies(random.Next(2, 40), random.Next(3)),
        _ => new Mishap.ConnectionsBreak(random.Next(0, 50), random.Next(3)),
    };
}
