using Kube.Client;

namespace Kube.Testing;

/// <summary>Says whose step comes next. Whoever has nothing to do is asked no more until somebody has made progress or time has passed.</summary>
public interface ISchedule
{
    /// <summary>These are the loops from now on, in the order in which <see cref="Next"/> is given them at first.</summary>
    void Changed(IReadOnlyList<ILoop> loops) { }

    /// <summary>The place, among the loops that may have something to do, of the one that steps.</summary>
    int Next(ReadOnlySpan<ILoop> candidates);

    /// <summary>A loop has stepped. One that had nothing to do stands right behind the candidates now, and the last of them in its place.</summary>
    void Stepped(ILoop loop, bool progressed) { }
}

/// <summary>Whose step comes next is drawn.</summary>
public sealed class SeededSchedule(Random random) : ISchedule
{
    public int Next(ReadOnlySpan<ILoop> candidates) => random.Next(candidates.Length);
}
