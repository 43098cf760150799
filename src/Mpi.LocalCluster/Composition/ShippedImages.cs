using System.Reflection;

namespace Mpi.LocalCluster;

/// <summary>
/// The image stand-ins that come with the program (<c>images/</c> of the sources). A checkout uses its own folder; the
/// published program, which is one file, carries them as resources and lays them into the cache folder once a version.
/// </summary>
public static class ShippedImages
{
    private const string Prefix = "images/";

    /// <param name="home">The checkout, when the program runs from one (<c>KUBEMPI_HOME</c>).</param>
    /// <param name="cache">This user's cache folder for the program.</param>
    public static string Locate(string? home, string cache)
    {
        if (home is { Length: > 0 } && Directory.Exists(Path.Combine(home, "images"))) return Path.Combine(home, "images");
        var assembly = typeof(ShippedImages).Assembly;
        var target = Path.Combine(cache, $"images-{assembly.ManifestModule.ModuleVersionId:N}");
        if (!Directory.Exists(target)) Unpack(assembly, target);
        return target;
    }

    /// <summary>Unpacks beside the target and moves it there whole: two first runs at once both see a complete folder.</summary>
    private static void Unpack(Assembly assembly, string target)
    {
        var parent = Path.GetDirectoryName(target)!;
        Directory.CreateDirectory(parent);
        var work = Directory.CreateDirectory(Path.Combine(parent, $".unpacking-{Environment.ProcessId}-{Path.GetRandomFileName()}")).FullName;
        foreach (var name in assembly.GetManifestResourceNames().Where(static n => n.StartsWith(Prefix, StringComparison.Ordinal)))
        {
            var file = Path.Combine(work, name[Prefix.Length..]);
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            using var source = assembly.GetManifestResourceStream(name)!;
            using var copy = File.Create(file);
            source.CopyTo(copy);
        }

        foreach (var script in Directory.EnumerateFiles(work, "*", SearchOption.AllDirectories).Where(IsScript))
        {
            File.SetUnixFileMode(script, File.GetUnixFileMode(script) | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        }

        try
        {
            Directory.Move(work, target);
        }
        catch (IOException) when (Directory.Exists(target))
        {
            Directory.Delete(work, recursive: true);
        }
    }

    /// <summary>A resource has no mode; what starts with <c>#!</c> was executable.</summary>
    private static bool IsScript(string file)
    {
        using var stream = File.OpenRead(file);
        return stream.ReadByte() == '#' && stream.ReadByte() == '!';
    }
}
