namespace Kube.Controllers;

/// <summary>What a pass over one key asks of the work queue.</summary>
public readonly record struct Pass(DateTimeOffset? Again)
{
    /// <summary>Nothing until a change comes.</summary>
    public static Pass Done => new(null);

    public static Pass RevisitAt(DateTimeOffset? at) => new(at);
}
