using System.Globalization;

namespace EndToEnd;

/// <summary>Tests whose size the environment may raise.</summary>
internal static class Soak
{
    public static int Setting(string variable, int usual) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out var set) ? set : usual;
}
