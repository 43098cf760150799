namespace Mpi.Agent.Roles;

/// <summary>The workers that are connected now, by the names of their pods. Of two connections of one worker the newer counts.</summary>
/// <typeparam name="T">What is known of a worker's connection.</typeparam>
public sealed class WorkerDirectory<T>
    where T : class
{
    /// <summary>More than any job has (a hostfile of so many names does not fit into a ConfigMap).</summary>
    private const int Most = 32 * 1024;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, T> _connected = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<TaskCompletionSource<T>>> _awaited = new(StringComparer.Ordinal);

    /// <summary>Adds a worker and returns the connection that it replaces.</summary>
    /// <exception cref="ProtocolException">There are more names than a job has workers.</exception>
    public T? Add(string name, T worker)
    {
        List<TaskCompletionSource<T>>? waiting;
        T? before;
        lock (_lock)
        {
            if (_connected.Count >= Most && !_connected.ContainsKey(name)) throw new ProtocolException($"more than {Most} workers");
            before = _connected.GetValueOrDefault(name);
            _connected[name] = worker;
            _awaited.Remove(name, out waiting);
        }

        waiting?.ForEach(one => one.TrySetResult(worker));
        return before;
    }

    /// <summary>Forgets a connection that ended, unless a newer one has taken its place.</summary>
    public void Remove(string name, T worker)
    {
        lock (_lock)
        {
            if (_connected.TryGetValue(name, out var present) && ReferenceEquals(present, worker)) _connected.Remove(name);
        }
    }

    /// <summary>The worker, as soon as it is connected.</summary>
    /// <param name="host">Its name in the hostfile; only the first label counts, which is the pod's name.</param>
    public async Task<T> WaitAsync(string host, CancellationToken cancellation)
    {
        var name = Hostfile.Short(host);
        var one = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            if (_connected.TryGetValue(name, out var worker)) return worker;
            if (!_awaited.TryGetValue(name, out var waiting))
            {
                if (_awaited.Count >= Most) throw new ProtocolException($"calls of more than {Most} workers");
                _awaited[name] = waiting = [];
            }

            waiting.Add(one);
        }

        try
        {
            return await one.OrCancelledAsync(cancellation);
        }
        finally
        {
            lock (_lock)
            {
                if (_awaited.TryGetValue(name, out var waiting) && waiting.Remove(one) && waiting.Count == 0) _awaited.Remove(name);
            }
        }
    }

    public IReadOnlyList<T> All()
    {
        lock (_lock) return [.. _connected.Values];
    }
}
