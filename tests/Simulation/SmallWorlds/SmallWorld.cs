using System.Collections.Immutable;

namespace Simulation;

/// <summary>A world that is small enough to try everything in it: one job with a worker or two, by name.</summary>
internal sealed record SmallWorld(string Name, Scenario Scenario)
{
    /// <summary>How much later than in a calm run a write may come: one that is repeated makes the others later.</summary>
    private const int More = 4;

    /// <summary>Each dialect's smallest, and kubeflow's with two workers and with each transport.</summary>
    public static ImmutableArray<SmallWorld> All { get; } =
    [
        .. Subject.All.Select(static subject => Of(subject, 1, null)),
        Of(Subject.All[0], 2, null),
        .. Subject.All[0].Transports.Where(static t => t != "ssh").Select(static transport => Of(Subject.All[0], 1, transport)),
    ];

    /// <summary>What can go wrong with one write, for each write of a calm run and a few more: the operator dies, the request fails, a user acts right after it.</summary>
    public ImmutableArray<Mishap> Mishaps(int writes) =>
    [
        .. Enumerable.Range(1, writes + More).SelectMany(IEnumerable<Mishap> (write) =>
        [
            new Mishap.CrashBefore(write), new Mishap.CrashAfter(write),
            .. Enum.GetValues<Trouble>().Where(static trouble => trouble != Trouble.Outdated).Select(trouble => new Mishap.WriteFails(write, trouble)),
            .. ((Deed[])[new Deed.Suspends(), new Deed.Scales(Scenario.Workers + 1), new Deed.SpoilsTheSpec(), new Deed.DeletesTheJob(), new Deed.DeletesAPod(true, false), new Deed.DeletesAPod(false, false)])
                .Select(deed => new Mishap.UserDoes(deed, write, 0)),
        ]),
    ];

    private static SmallWorld Of(Subject subject, int workers, string? transport) => new(
        $"{subject.Kind.Group.Split('.')[0]}-{workers}{(transport is null ? "" : $"-{transport}")}",
        new Scenario(1) { Subject = subject, Workers = workers, Transport = transport });
}
