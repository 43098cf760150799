using Kube.Testing;

namespace Simulation;

/// <summary>What all operators of a world have sent, numbered over all of them, and who of them held the lease.</summary>
public sealed class OperatorTraffic
{
    private readonly Dictionary<string, int> _events = [];
    private readonly List<string> _writes = [];
    private readonly HashSet<Right> _asked = [];
    private readonly List<string> _forbidden = [];
    private (string Identity, DateTimeOffset Since)? _term;
    private int _incarnations;

    /// <summary>Writes that were attempted so far, those of the election not counted.</summary>
    public IReadOnlyList<string> Writes => _writes;

    /// <summary>Requests other than writes and watches: reads that a cache should have answered.</summary>
    public int Gets { get; private set; }

    /// <summary>Lists and watches that were begun.</summary>
    public int Reads { get; private set; }

    /// <summary>The rights that requests needed so far.</summary>
    public IReadOnlySet<Right> Asked => _asked;

    /// <summary>Requests for which the manifests give no right. They are refused, as a cluster would.</summary>
    public IReadOnlyList<string> Forbidden => _forbidden;

    internal ListArchive Lists { get; } = new();

    /// <summary>How many events of a kind were sent so far.</summary>
    public int Events(string resource) => _events.GetValueOrDefault(resource);

    internal int NextIncarnation() => ++_incarnations;

    internal int CountEvent(string resource) => _events[resource] = Events(resource) + 1;

    internal void Ask(Right right) => _asked.Add(right);

    internal void Forbid(ApiRequest request) => _forbidden.Add(request.ToString());

    internal void CountRead(bool single)
    {
        if (single) Gets++;
        else Reads++;
    }

    internal int CountWrite(DateTimeOffset at, ApiRequest request)
    {
        _writes.Add($"{at:HH:mm:ss.fff} {request}");
        return _writes.Count;
    }

    /// <summary>A write to the lease has landed.</summary>
    internal void Renewed(string identity, DateTimeOffset begun) => _term = (identity, begun);

    /// <summary>Whether a write may be begun, by what the server has seen of the lease: not by what an operator believes.</summary>
    internal bool MayWrite(string identity, DateTimeOffset now, TimeSpan term) => _term is { } held && held.Identity == identity && now - held.Since <= term;
}
