namespace Kube.ApiServer;

/// <summary>What all parts of the server share.</summary>
internal sealed class ServerState(ApiServerOptions options)
{
    public ApiServerOptions Options { get; } = options;
    public TimeProvider Time => Options.Time;
    public ObjectStore Store { get; } = new(options.FirstRevision, options.LogCapacity);
    public ResourceRegistry Registry { get; } = new();
    public Entropy Entropy { get; } = new(options.Random);
}

/// <summary>Uids and name endings from the given randomness. Thread-safe.</summary>
internal sealed class Entropy(Random random)
{
    /// <summary>No vowels and no digits that look like them: no words by accident (<c>k8s.io/apimachinery/pkg/util/rand</c>).</summary>
    private const string NameLetters = "bcdfghjklmnpqrstvwxz2456789";

    private readonly Lock _gate = new();

    public string NewUid()
    {
        Span<byte> bytes = stackalloc byte[16];
        lock (_gate) random.NextBytes(bytes);
        bytes[6] = (byte)((bytes[6] & 0x0F) | 0x40);
        bytes[8] = (byte)((bytes[8] & 0x3F) | 0x80);
        return new Guid(bytes, bigEndian: true).ToString();
    }

    public string NameEnding()
    {
        lock (_gate) return string.Create(5, random, static (letters, random) =>
        {
            for (var i = 0; i < letters.Length; i++) letters[i] = NameLetters[random.Next(NameLetters.Length)];
        });
    }

    public int Next(int below)
    {
        lock (_gate) return random.Next(below);
    }
}
