using System.Collections.Immutable;

namespace Mpi.Model;

/// <summary>What a run's pods are given besides the user's template: in container 0 environment, mounts and a default command, and the ConfigMap's files.</summary>
public sealed record RunWiring
{
    /// <summary>In the order in which it is appended.</summary>
    public required ImmutableArray<EnvRule> LauncherEnv { get; init; }
    public required ImmutableArray<EnvRule> WorkerEnv { get; init; }

    /// <summary>What a worker runs that has neither command nor args.</summary>
    public required ImmutableArray<string> WorkerCommand { get; init; }

    /// <summary>What the launcher's command is made the arguments of; empty leaves it as it is.</summary>
    public ImmutableArray<string> LauncherWrapper { get; init; } = [];

    public required string SshVolume { get; init; }

    /// <summary>What the run's ConfigMap holds. One of them is the hostfile.</summary>
    public required ImmutableArray<ConfigFile> Files { get; init; }

    /// <summary>Where the launcher has which of them; the hostfile must be among them.</summary>
    public required ImmutableArray<ConfigMount> LauncherMounts { get; init; }
    public ImmutableArray<ConfigMount> WorkerMounts { get; init; } = [];

    /// <summary>Whether init containers of the user's run behind ours in the launcher, and so find the workers reachable.</summary>
    public bool UsersInitContainersLast { get; init; }

    /// <summary>The last of our init containers in the launcher; null for none.</summary>
    public LauncherCheck? LauncherCheck { get; init; }

    /// <summary>Where the launcher has the hostfile.</summary>
    public string Hostfile => LauncherPath(Files.First(static f => f.Content is ConfigContent.Hosts));

    /// <summary>The file in which a gate finds the operator's word that all workers run: the discovery script, else the hostfile. To both it is a comment.</summary>
    public ConfigFile NoticeFile => Files.FirstOrDefault(static f => f.Content is ConfigContent.DiscoveryScript) ?? Files.First(static f => f.Content is ConfigContent.Hosts);

    public string LauncherPath(ConfigFile file) => $"{LauncherMounts.First(m => m.Files.Any(f => f.Key == file.Key)).Path}/{file.Key}";
}

/// <summary>An init container of a dialect's own, in the launcher's image and with its mounts, behind the gate.</summary>
public sealed record LauncherCheck(string Container, ImmutableArray<string> Command);

/// <param name="Key">In the ConfigMap, and the file's name.</param>
public sealed record ConfigFile(string Key, ConfigContent Content)
{
    /// <summary>Null for the run's first ConfigMap (<see cref="RunProfile.ConfigMaps"/>).</summary>
    public string? Map { get; init; }
}

public abstract record ConfigContent
{
    private ConfigContent() { }

    /// <summary>A line for each host, as the run's MPI reads it.</summary>
    public sealed record Hosts : ConfigContent;

    /// <summary>The same, with the workers that the run leaves out (<see cref="WorkerGroup.LeaveOutAfter"/>).</summary>
    public sealed record ProposedHosts : ConfigContent;

    /// <summary>Horovod's: prints a line for each host that is there now.</summary>
    /// <param name="WithSlots">Whether each line says <c>host:slots</c>, as Horovod reads it too, or the host alone.</param>
    public sealed record DiscoveryScript(bool WithSlots = false) : ConfigContent;

    /// <summary>The name of the launcher in the list of hosts.</summary>
    public sealed record Launcher : ConfigContent;

    /// <summary>A line for each host, its address and its name; empty until all have one.</summary>
    public sealed record Addresses : ConfigContent;

    public sealed record Text(string Value) : ConfigContent;
}

/// <summary>A volume with files of the run's ConfigMap, and its mount in container 0.</summary>
public sealed record ConfigMount(string Volume, string Path, ImmutableArray<MountedFile> Files, bool ReadOnly = false)
{
    /// <inheritdoc cref="ConfigFile.Map"/>
    public string? Map { get; init; }
}

/// <param name="Mode">The file's permissions.</param>
public sealed record MountedFile(string Key, int Mode)
{
    public static MountedFile Data(string key) => new(key, 0x124 /* 0444 */);

    public static MountedFile Script(string key) => new(key, 0x16D /* 0555 */);
}

/// <param name="Name">The variable.</param>
/// <param name="Value">Its value; may be empty.</param>
/// <param name="Origin">What happens when the user set it, and whether strict compatibility leaves it out.</param>
public sealed record EnvRule(string Name, string Value, EnvOrigin Origin = EnvOrigin.Promised)
{
    /// <summary>The field of the pod that is the value instead (downward API), for templates that many pods share.</summary>
    public string? FieldPath { get; init; }
}

public enum EnvOrigin
{
    /// <summary>
    /// The peer sets it last and so over the user's value. Ours keeps the user's, who has a reason; strict compatibility overrides.
    /// </summary>
    Promised,

    /// <summary>Says which role a pod has: always ours.</summary>
    Identity,

    /// <summary>The peer does not set it: the user's value stays, and strict compatibility leaves it out.</summary>
    Added,
}
