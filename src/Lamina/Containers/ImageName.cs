namespace Lamina.Containers;

/// <summary>
/// How an image is named: <c>oci:DIR[:TAG]</c>, <c>oci-archive:FILE[:TAG]</c>, <c>docker-archive:FILE[:REF]</c>.
/// </summary>
/// <param name="Kind">Which form it must have.</param>
/// <param name="Path">The directory or file.</param>
/// <param name="Tag">Which image of it; null for the one there is.</param>
internal sealed record ImageName(ImageForm Kind, string Path, string? Tag)
{
    private static readonly (string Prefix, ImageForm Kind)[] s_prefixes =
        [("oci:", ImageForm.Directory), ("oci-archive:", ImageForm.Archive), ("docker-archive:", ImageForm.DockerArchive)];

    /// <summary>Takes a name apart; null if it begins with none of the words.</summary>
    /// <param name="text">The name.</param>
    /// <param name="exists">Whether there is a file of a name: a path may have colons itself.</param>
    public static ImageName? TryParse(string text, Func<string, bool> exists)
    {
        if (exists(text))
            return null;
        foreach ((string prefix, ImageForm kind) in s_prefixes)
        {
            if (!text.StartsWith(prefix, StringComparison.Ordinal))
                continue;
            string rest = text[prefix.Length..];
            int colon = rest.IndexOf(':');
            if (colon < 0 || exists(rest))
                return new ImageName(kind, rest, null);
            // The path is the longest that is there: a docker reference has a colon, too.
            int end = colon;
            for (int next = colon; next >= 0; next = rest.IndexOf(':', next + 1))
            {
                if (exists(rest[..next]))
                    end = next;
            }
            return new ImageName(kind, rest[..end], rest[(end + 1)..]);
        }
        return null;
    }
}

/// <summary>The forms that container tools write images in.</summary>
internal enum ImageForm
{
    /// <summary>A directory in OCI form.</summary>
    Directory,

    /// <summary>An archive of such a directory.</summary>
    Archive,

    /// <summary>What docker save writes.</summary>
    DockerArchive,
}
