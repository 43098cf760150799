using System.Collections.Concurrent;
using System.Globalization;
using Mpi.Planning;
using Mpi.Testing;

namespace EndToEnd;

/// <summary>
/// Looks out for the local clusters that programs keep in a folder, and holds each against the rules from its first change to its end. What is
/// broken fails the test that runs meanwhile (<see cref="HeldToTheRulesAttribute"/>), whatever else that test asks for.
/// </summary>
internal sealed class Lookout : IAsyncDisposable
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    // By the test that began them, or the class whose tests share them.
    private static readonly ConcurrentDictionary<string, ConcurrentQueue<Lookout>> All = new(StringComparer.Ordinal);

    private readonly string _folder;
    private readonly ConcurrentDictionary<string, WatchedCluster> _clusters = new(StringComparer.Ordinal);
    private readonly HashSet<ViolationException> _told = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _looking;
    private readonly bool _isShared;
    private bool _over;

    /// <param name="folder">Where the clusters have a folder each (<c>kubempi</c> in <c>XDG_RUNTIME_DIR</c>).</param>
    public Lookout(string folder)
    {
        _folder = folder;
        var context = TestContext.Current;
        _isShared = context.Test is null;
        All.GetOrAdd(context.Test?.UniqueID ?? context.TestClass?.UniqueID ?? "", static _ => new ConcurrentQueue<Lookout>()).Enqueue(this);
        _looking = LookAsync();
    }

    /// <summary>Why a cluster of this test need not come to rest; null where it must.</summary>
    public string? Unfinished { get; set; }

    /// <summary>What its clusters' operators were told.</summary>
    public PlanningOptions Planning { get; set; } = new();

    public IEnumerable<WatchedCluster> Clusters => _clusters.Values;

    /// <summary>What broke and was not told yet, of whatever was begun under an id.</summary>
    public static IEnumerable<ViolationException> Take(string? id) => id is not null && All.TryGetValue(id, out var begun) ? begun.SelectMany(static l => l.Take()) : [];

    /// <summary>Waits until a rule is broken, as a test wants it, and counts it for nothing.</summary>
    public async Task<ViolationException> ExpectAsync(CancellationToken cancellation)
    {
        while (true)
        {
            if (Take().FirstOrDefault() is { } broken) return broken;
            await Task.Delay(Look, cancellation);
        }
    }

    /// <summary>Waits until the clusters that are there have come to rest.</summary>
    public async Task RestAsync(TimeSpan? patience = null)
    {
        if (Unfinished is not null) return;
        foreach (var cluster in Clusters) await cluster.RestAsync(patience ?? Patience);
    }

    public async ValueTask DisposeAsync()
    {
        if (_over) return;
        _over = true;
        await _stop.CancelAsync();
        await _looking;
        foreach (var cluster in Clusters) await cluster.DisposeAsync();
        _stop.Dispose();
        // Nobody asks after the last test of a class.
        if (_isShared && Take().FirstOrDefault() is { } broken) throw broken;
    }

    private IEnumerable<ViolationException> Take()
    {
        foreach (var cluster in Clusters)
        {
            if (cluster.Broken is { } broken && _told.Add(broken)) yield return broken;
        }
    }

    private async Task LookAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            foreach (var kubeconfig in Kubeconfigs()) _clusters.GetOrAdd(kubeconfig, path => new WatchedCluster(path, Planning));
            await Task.Delay(Look, CancellationToken.None);
        }
    }

    /// <summary>A cluster's folder is named for its process: a number, and when it began. What else is there belongs to one of these.</summary>
    private IEnumerable<string> Kubeconfigs()
    {
        if (!Directory.Exists(_folder)) return [];
        try
        {
            return [.. Directory.EnumerateDirectories(_folder)
                .Where(static f => int.TryParse(Path.GetFileName(f).Split('-')[0], NumberStyles.None, CultureInfo.InvariantCulture, out _))
                .Select(static f => Path.Combine(f, "kubeconfig"))
                .Where(File.Exists)];
        }
        catch (DirectoryNotFoundException)
        {
            return [];
        }
    }
}
