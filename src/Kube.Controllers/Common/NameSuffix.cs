namespace Kube.Controllers;

/// <summary>
/// Name suffixes that look as random as the API server's own, but follow from a seed: to create the same object twice, out
/// of a stale view or after a lost answer, then fails with AlreadyExists instead of making a second one.
/// </summary>
internal static class NameSuffix
{
    // What Kubernetes draws its random suffixes from: no vowels and no look-alikes, hence no words.
    private const string Alphabet = "bcdfghjklmnpqrstvwxz2456789";
    private const int Length = 5;

    /// <summary>What the API server leaves of a generateName, so that the whole stays a DNS label.</summary>
    public const int PrefixLengthMax = 63 - Length;

    public static string Name(string prefix, string seed) => Prefix(prefix) + Of(seed);

    public static string Prefix(string prefix) => prefix.Length > PrefixLengthMax ? prefix[..PrefixLengthMax] : prefix;

    private static string Of(string seed)
    {
        // FNV-1a, then a mix of its bits, since seeds differ in their last characters only.
        var hash = 14695981039346656037UL;
        foreach (var c in seed) hash = (hash ^ c) * 1099511628211UL;
        hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccdUL;
        hash ^= hash >> 33;
        return string.Create(Length, hash, static (text, value) =>
        {
            for (var i = 0; i < text.Length; i++, value /= (ulong)Alphabet.Length) text[i] = Alphabet[(int)(value % (ulong)Alphabet.Length)];
        });
    }
}
