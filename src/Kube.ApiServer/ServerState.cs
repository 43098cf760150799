using Kube.Types;

namespace Kube.ApiServer;

/// <summary>What all parts of the server share.</summary>
internal sealed class ServerState
{
    public ServerState(ApiServerOptions options)
    {
        Options = options;
        Store = new ObjectStore(options.FirstRevision, options.LogCapacity);
        Entropy = new Entropy(options.Random);
        Quotas = new QuotaLedger(this);
        Tokens = new ServiceAccountTokens(this);
    }

    public ApiServerOptions Options { get; }
    public TimeProvider Time => Options.Time;
    public ObjectStore Store { get; }
    public ResourceRegistry Registry { get; } = new();
    public Entropy Entropy { get; }
    public QuotaLedger Quotas { get; }
    public ServiceAccountTokens Tokens { get; }

    /// <summary>Where this server is; null until its host has said so.</summary>
    public ApiAddress? Address { get; set; }

    /// <summary>The objects of a kind, all namespaces; empty for one that is not served.</summary>
    public Collection Objects(ResourceKind kind) => Store.Of(kind.Group, kind.Plural);
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

    public byte[] Bytes(int count)
    {
        var bytes = new byte[count];
        lock (_gate) random.NextBytes(bytes);
        return bytes;
    }

    public int Next(int below)
    {
        lock (_gate) return random.Next(below);
    }
}
