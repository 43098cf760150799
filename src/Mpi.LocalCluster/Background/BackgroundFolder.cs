using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Mpi.LocalCluster;

/// <summary>
/// The files of this user's background cluster. There is at most one such cluster a user: whoever holds the lock is it, and it
/// alone writes the rest.
/// </summary>
/// <param name="Parent">Holds the folders of all of this user's clusters (<see cref="StateDirectory.DefaultParent"/>).</param>
public sealed record BackgroundFolder(string Parent)
{
    /// <summary>The folder.</summary>
    public string Path => System.IO.Path.Combine(Parent, "up");

    /// <summary>Everything that the cluster's process and its parts have to say.</summary>
    public string Log => System.IO.Path.Combine(Path, "log");

    /// <summary>The log of the cluster before, when that one ended without saying so.</summary>
    public string CrashLog => System.IO.Path.Combine(Path, "log.crashed");

    /// <summary>A kubeconfig with nothing but this cluster, for our own programs.</summary>
    public string Kubeconfig => System.IO.Path.Combine(Path, "kubeconfig");

    private string Lock => System.IO.Path.Combine(Parent, "up.lock");

    private string Record => System.IO.Path.Combine(Path, "cluster.json");

    /// <summary>Takes the place of the background cluster.</summary>
    /// <returns>Null when another one holds it.</returns>
    public BackgroundLock? TryClaim()
    {
        for (var attempt = 1; ; attempt++)
        {
            PrivateFolder.Ensure(Parent);
            try
            {
                if (BackgroundLock.TryTake(Lock) is not { } claim) return null;
                PrivateFolder.Ensure(Path);
                return claim;
            }
            catch (DirectoryNotFoundException) when (attempt < 10)
            {
                // A cluster that has just ended took its empty folder with it.
            }
        }
    }

    /// <summary>Whether there is a cluster, or one on its way.</summary>
    public bool IsClaimed()
    {
        if (!File.Exists(Lock)) return false;
        using var claim = BackgroundLock.TryTake(Lock);
        return claim is null;
    }

    public BackgroundRecord? Read()
    {
        try
        {
            return BackgroundRecord.From(JsonElement.Parse(File.ReadAllBytes(Record)));
        }
        catch (Exception absent) when (absent is IOException or JsonException)
        {
            return null;
        }
    }

    /// <summary>Replaces the record in one step.</summary>
    public void Write(BackgroundRecord record)
    {
        var draft = Record + ".new";
        File.WriteAllBytes(draft, record.ToTree().ToUtf8());
        File.Move(draft, Record, overwrite: true);
    }

    /// <summary>
    /// Undoes what a cluster did to this machine that does not end with its process: its entry in a kubeconfig, its files. For the
    /// holder of the lock, and for a cluster that ended without doing so itself.
    /// </summary>
    /// <param name="say">Told what could not be undone.</param>
    public async Task ClearAsync(Action<string> say, TimeProvider time, CancellationToken cancellation)
    {
        if (Read() is { } record)
        {
            if (record.Kubeconfig is { } change)
            {
                try
                {
                    await KubeconfigFile.RemoveAsync(change, time, cancellation);
                }
                catch (KubeconfigException fault)
                {
                    say($"the context {KubeconfigText.Name} stays in {change.File}: {fault.Message}");
                }
            }

            File.Delete(Record);
        }

        File.Delete(Kubeconfig);
        StateDirectory.RemoveAbandoned(Parent);
    }

    /// <summary>Removes the folder. The lock goes when its holder lets go.</summary>
    public void Remove()
    {
        if (Directory.Exists(Path)) Directory.Delete(Path, recursive: true);
    }

    /// <summary>Removes the folder around, when nothing is left in it.</summary>
    public void RemoveParentIfEmpty() => PrivateFolder.RemoveIfEmpty(Parent);
}

/// <summary>What a background cluster tells of itself.</summary>
/// <param name="Process">Who it is.</param>
/// <param name="Options">The command line that it was started with, for people and for comparison.</param>
/// <param name="Build">Identifies the program's build.</param>
public sealed record BackgroundRecord(ProcessIdentity Process, string Options, string Build)
{
    /// <summary>Null until it is ready.</summary>
    public Uri? Server { get; init; }

    public DateTimeOffset? ReadySince { get; init; }

    /// <summary>What was added to which kubeconfig; null until it was.</summary>
    public KubeconfigChange? Kubeconfig { get; init; }

    /// <summary>How many nodes only pretend.</summary>
    public int VirtualNodes { get; init; }

    public bool IsReady => ReadySince is not null;

    internal JsonObject ToTree()
    {
        var tree = new JsonObject
        {
            ["process"] = Process.ToString(), ["options"] = Options, ["build"] = Build, ["server"] = Server?.ToString(), ["virtualNodes"] = VirtualNodes,
            ["readySince"] = ReadySince?.ToString("O"),
        };
        if (Kubeconfig is { } change)
        {
            tree["kubeconfig"] = new JsonObject { ["file"] = change.File, ["madeFile"] = change.MadeFile, ["madeFolder"] = change.MadeFolder, ["isCurrent"] = change.IsCurrent };
        }

        return tree;
    }

    internal static BackgroundRecord? From(JsonElement tree)
    {
        if (ProcessIdentity.Parse(tree.Text("process")) is not { } process) return null;
        return new BackgroundRecord(process, tree.Text("options") ?? "", tree.Text("build") ?? "")
        {
            Server = tree.Text("server") is { } server ? new Uri(server) : null,
            ReadySince = tree.Text("readySince") is { } since ? DateTimeOffset.Parse(since, System.Globalization.CultureInfo.InvariantCulture) : null,
            VirtualNodes = (int)(tree.Integer("virtualNodes") ?? 0),
            Kubeconfig = tree.Text("kubeconfig", "file") is { } file
                ? new KubeconfigChange(file, tree.Flag("kubeconfig", "madeFile") ?? false, tree.Flag("kubeconfig", "madeFolder") ?? false, tree.Flag("kubeconfig", "isCurrent") ?? false)
                : null,
        };
    }
}
