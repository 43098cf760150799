using System.Collections.Concurrent;

namespace Kube.Client;

/// <summary>
/// Keeps one copy of strings that many cached objects share: namespaces, node names, label keys. Bounded: once full, it hands
/// back what it does not know. Thread-safe.
/// </summary>
public sealed class StringPool(int capacity = 65_536)
{
    /// <summary>Longer strings are seldom shared.</summary>
    private const int LengthMax = 256;

    private readonly ConcurrentDictionary<string, string> _strings = new(StringComparer.Ordinal);
    private int _count;

    public string Share(string text)
    {
        if (text.Length == 0) return "";
        if (text.Length > LengthMax) return text;
        if (_strings.TryGetValue(text, out var shared)) return shared;
        if (Volatile.Read(ref _count) >= capacity) return text;
        shared = _strings.GetOrAdd(text, text);
        if (ReferenceEquals(shared, text)) Interlocked.Increment(ref _count);
        return shared;
    }
}
