namespace Mpi.Agent.Roles;

/// <summary>
/// The connections that have not greeted yet, at most so many: for one more the oldest goes. A flood of strangers then
/// costs a bounded number of sockets, and members, who greet within milliseconds, are hardly ever the oldest.
/// </summary>
/// <typeparam name="T">A connection.</typeparam>
public sealed class HalfOpen<T>(int most)
    where T : class, IDisposable
{
    /// <summary>Room for all workers of a large job that dial at once.</summary>
    public const int Default = 1024;

    private readonly Lock _lock = new();
    private readonly LinkedList<T> _oldestFirst = new();

    public int Count
    {
        get
        {
            lock (_lock) return _oldestFirst.Count;
        }
    }

    /// <summary>Remembers a connection until what is returned is disposed of.</summary>
    public IDisposable Add(T connection)
    {
        T? oldest = null;
        LinkedListNode<T> node;
        lock (_lock)
        {
            if (_oldestFirst.Count == most)
            {
                oldest = _oldestFirst.First!.Value;
                _oldestFirst.RemoveFirst();
            }

            node = _oldestFirst.AddLast(connection);
        }

        oldest?.Dispose();
        return new Entry(this, node);
    }

    private sealed class Entry(HalfOpen<T> all, LinkedListNode<T> node) : IDisposable
    {
        public void Dispose()
        {
            lock (all._lock)
            {
                if (node.List is not null) all._oldestFirst.Remove(node);
            }
        }
    }
}
