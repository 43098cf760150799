using System.Collections.Concurrent;
using System.Collections.Immutable;
using Kube.Client;
using Kube.Types;

namespace Mpi.Operator;

/// <summary>
/// The values of priority classes, asked for by name and remembered for a while: few jobs need them (a gang smaller than its job, of
/// pods of different classes), so they are not watched. A class that is missing, or that may not be read, counts 0 (spec 2.8).
/// </summary>
internal sealed class PriorityClasses(IKubeReader client, TimeProvider time)
{
    private static readonly TimeSpan Remembered = TimeSpan.FromMinutes(5);
    private const int MostRemembered = 1_000;

    private readonly ConcurrentDictionary<string, (int Value, DateTimeOffset Until)> _known = new(StringComparer.Ordinal);

    public async Task<ImmutableDictionary<string, int>> ValuesAsync(ImmutableArray<string> names, CancellationToken cancellation)
    {
        var values = ImmutableDictionary<string, int>.Empty;
        foreach (var name in names) values = values.SetItem(name, await ValueAsync(name, cancellation));
        return values;
    }

    private async Task<int> ValueAsync(string name, CancellationToken cancellation)
    {
        if (_known.TryGetValue(name, out var known) && time.GetUtcNow() < known.Until) return known.Value;
        var value = 0;
        try
        {
            value = (int)((await client.GetAsync(Kinds.PriorityClass, null, name, cancellation)).Root.Integer("value") ?? 0);
        }
        catch (ApiException e) when (e.Status.Code is 404 or 403)
        {
            // As a pod of that class would be treated.
        }

        if (_known.Count >= MostRemembered) _known.Clear();
        _known[name] = (value, time.GetUtcNow() + Remembered);
        return value;
    }
}
