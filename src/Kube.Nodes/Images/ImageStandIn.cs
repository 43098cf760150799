using System.Collections.Immutable;
using System.Text.Json;
using Kube.Types;

namespace Kube.Nodes.Images;

/// <summary>One folder's <c>image.yaml</c>, as written; <c>docs/images.md</c> describes each field.</summary>
public sealed record ImageStandIn
{
    /// <summary>The folder that holds <c>image.yaml</c> and <c>files/</c>.</summary>
    public required string Folder { get; init; }

    public string? Base { get; init; }
    public ImmutableArray<ImageUser> Users { get; init; } = [];
    public ImmutableArray<ImageGroup> Groups { get; init; } = [];
    public string? User { get; init; }
    public string? WorkingDirectory { get; init; }
    public ImmutableArray<KeyValuePair<string, string>> Environment { get; init; } = [];

    /// <summary>Null when not written: the base's counts.</summary>
    public ImmutableArray<string>? Entrypoint { get; init; }

    /// <inheritdoc cref="Entrypoint"/>
    public ImmutableArray<string>? Command { get; init; }

    public ImmutableArray<RequiredProgram> Programs { get; init; } = [];
    public ImmutableArray<ImageLink> Links { get; init; } = [];
    public ImmutableArray<ProgramMount> Mounts { get; init; } = [];
    public ImageBuild? Build { get; init; }
    public ImmutableArray<ImageFile> Files { get; init; } = [];

    /// <summary>The folder laid over the root, or null when there is none.</summary>
    public string? FilesFolder => Path.Join(Folder, "files") is var files && Directory.Exists(files) ? files : null;

    /// <exception cref="ImageException">The file is no image.yaml; the message has every fault with its place.</exception>
    public static ImageStandIn Read(string folder)
    {
        var path = Path.Join(folder, "image.yaml");
        try
        {
            var documents = Yaml.Read(File.ReadAllText(path));
            if (documents.Count > 1) throw new ImageException($"{path}: one document is expected, {documents.Count} were found");
            return documents.Count == 0 ? new ImageStandIn { Folder = folder } : new ImageYaml(path, documents[0].Positions).Read(folder, JsonElement.Parse(documents[0].Root.ToUtf8()));
        }
        catch (Exception fault) when (fault is YamlSyntaxException or IOException or UnauthorizedAccessException)
        {
            throw new ImageException($"{path}: {fault.Message}");
        }
    }
}

/// <param name="Groups">Names of groups besides the own one.</param>
public sealed record ImageUser(string Name, uint Uid, uint Gid, string Home, string Shell, ImmutableArray<string> Groups);

public sealed record ImageGroup(string Name, uint Gid);

/// <summary>A program of this machine that the image's users count on.</summary>
/// <param name="Path">A path, or a bare name that is looked up.</param>
/// <param name="Package">The Debian package that holds it; null when unknown.</param>
public sealed record RequiredProgram(string Path, string? Package);

/// <param name="Targets">The first that exists on this machine is linked to; the last when none does.</param>
public sealed record ImageLink(string Path, ImmutableArray<string> Targets);

/// <summary>A folder or file that the program which runs the node offers by name.</summary>
public sealed record ProgramMount(string Name, string Path);

public sealed record ImageBuild(ImmutableArray<string> Command, ImmutableArray<string> Inputs, ImmutableArray<string> Tools);

/// <param name="Owner"><c>name</c>, <c>name:group</c>, <c>uid</c> or <c>uid:gid</c>; null leaves it.</param>
/// <param name="Mode">Null leaves it.</param>
public sealed record ImageFile(string Path, bool Directory, string? Owner, UnixFileMode? Mode, bool Recursive);

/// <summary>An image cannot be stood in for; the message names the image or the file, the cause and the remedy.</summary>
public sealed class ImageException(string message) : Exception(message);
