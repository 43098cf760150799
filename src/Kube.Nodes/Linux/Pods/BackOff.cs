namespace Kube.Nodes.Linux;

/// <summary>
/// The kubelet's back-off between restarts: the first restart comes at once, the next after 10 s, then twice as long each time
/// up to 5 min, counted from the container's end. A container that ran 10 min begins anew.
/// </summary>
/// <param name="Delay">What the next restart waits; zero before the first.</param>
/// <param name="Since">When the last restart was granted.</param>
internal readonly record struct BackOff(TimeSpan Delay, DateTimeOffset Since)
{
    public static readonly TimeSpan First = TimeSpan.FromSeconds(10);
    public static readonly TimeSpan Longest = TimeSpan.FromMinutes(5);
    public static readonly TimeSpan Forgotten = Longest * 2;

    /// <summary>When a container that ended then may be restarted.</summary>
    public DateTimeOffset DueAfter(DateTimeOffset finishedAt) => finishedAt - Since > Forgotten ? finishedAt : finishedAt + Delay;

    /// <summary>A restart was granted.</summary>
    public BackOff Next(DateTimeOffset finishedAt, DateTimeOffset now) => new(
        Delay == TimeSpan.Zero || finishedAt - Since > Forgotten ? First : Delay * 2 > Longest ? Longest : Delay * 2,
        now);
}
