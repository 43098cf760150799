namespace Mpi.Dialects;

/// <summary>Finds the word that was probably meant.</summary>
internal static class Spelling
{
    /// <summary>The nearest of the known words, or null when none is near: one edit, or a third of a longer word's letters; case counts little.</summary>
    public static string? Nearest(string word, IEnumerable<string> known)
    {
        var limit = Math.Max(1, word.Length / 3);
        var nearest = known
            .Select(candidate => (candidate, distance: Distance(word.ToUpperInvariant(), candidate.ToUpperInvariant())))
            .Where(c => c.distance <= limit)
            .OrderBy(static c => c.distance)
            .ThenBy(static c => c.candidate, StringComparer.Ordinal)
            .FirstOrDefault();
        return nearest.candidate ?? known.Where(candidate => LeavesWordsOut(word, candidate)).MinBy(static candidate => candidate.Length);
    }

    /// <summary>Whether one is the other without some of its words: <c>imagePolicy</c> for <c>imagePullPolicy</c>. One word alone says too little.</summary>
    private static bool LeavesWordsOut(string word, string candidate)
    {
        var (given, all) = (Words(word), Words(candidate));
        if (given.Count < 2) return false;
        var found = 0;
        foreach (var one in all)
        {
            if (found < given.Count && string.Equals(one, given[found], StringComparison.OrdinalIgnoreCase)) found++;
        }

        return found == given.Count;
    }

    private static List<string> Words(string name)
    {
        var words = new List<string>();
        foreach (var c in name)
        {
            if (words.Count == 0 || char.IsAsciiLetterUpper(c)) words.Add("");
            words[^1] += c;
        }

        return words;
    }

    /// <summary>Insertions, deletions, replacements and swaps of neighbours (optimal string alignment).</summary>
    private static int Distance(string a, string b)
    {
        var table = new int[a.Length + 1, b.Length + 1];
        for (var i = 0; i <= a.Length; i++) table[i, 0] = i;
        for (var j = 0; j <= b.Length; j++) table[0, j] = j;
        for (var i = 1; i <= a.Length; i++)
        {
            for (var j = 1; j <= b.Length; j++)
            {
                var best = Math.Min(Math.Min(table[i - 1, j], table[i, j - 1]) + 1, table[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1));
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) best = Math.Min(best, table[i - 2, j - 2] + 1);
                table[i, j] = best;
            }
        }

        return table[a.Length, b.Length];
    }
}
